"""The bus's receiver of the event signal: writes the outbox row and nudges the relay after the commit."""

import uuid
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.dispatch import receiver

from eventbus import context, crashpoints, nudge, streams, together
from eventbus.events import Event
from eventbus.publish import event_published

ACTOR_CHARACTERS: Final = 200
LINE: Final = together.Kind(
    "eventbus_outbox",
    (
        "event_id",
        "stream",
        "type",
        "key",
        "data",
        "correlation_id",
        "causation_id",
        "traceparent",
        "actor",
    ),
)
"""Position and time are the database's own."""


@receiver(event_published, dispatch_uid="eventbus.outbox")
def record(sender: type[Event], *, event: Event, **_: Any) -> UUID:
    """Write the event into the log, as part of the caller's transaction.

    Raises:
        EventInvalid: a field has the wrong type.
        StreamUnknown: no context owns the event's app.
    """
    now = context.current()
    event_id = uuid.uuid4()
    stream = streams.stream_of(sender.app)
    row = {
        "event_id": event_id,
        "stream": stream,
        "type": sender.wire_name,
        "key": event.partition_key,
        "data": event.to_dict(),
        "correlation_id": now.correlation_id or str(event_id),
        "causation_id": now.causation_id,
        "traceparent": context.child_traceparent(now.traceparent),
        "actor": (now.actor or "")[:ACTOR_CHARACTERS],
    }
    together.insert(LINE, row)
    crashpoints.reached("publish.recorded")
    _nudge_once_after_commit(stream)
    return event_id


def _nudge_once_after_commit(stream: str) -> None:
    wake, waiting = nudge.of(stream), transaction.get_connection().run_on_commit
    if not any(function is wake for _, function, _ in waiting):
        transaction.on_commit(wake, robust=True)
