"""The bus's receiver of the event signal: writes the outbox row and nudges the relay after the commit."""

import uuid
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.dispatch import receiver

from eventbus import context, crashpoints, nudge, streams
from eventbus.events import Event
from eventbus.publish import event_published

ACTOR_CHARACTERS: Final = 200
RECORD: Final = """
    INSERT INTO eventbus_outbox (event_id, stream, type, key, data,
        correlation_id, causation_id, traceparent, actor)
    VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s)
"""


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
    row: list[str | UUID | None] = [
        event_id,
        stream,
        sender.wire_name,
        event.partition_key,
        msgspec.json.encode(event.to_dict()).decode(),
        now.correlation_id or str(event_id),
        now.causation_id,
        context.child_traceparent(now.traceparent),
        (now.actor or "")[:ACTOR_CHARACTERS],
    ]
    with connection.cursor() as cursor:
        cursor.execute(RECORD, row)
    crashpoints.reached("publish.recorded")
    _nudge_once_after_commit(stream)
    return event_id


def _nudge_once_after_commit(stream: str) -> None:
    wake, waiting = nudge.of(stream), transaction.get_connection().run_on_commit
    if not any(function is wake for _, function, _ in waiting):
        transaction.on_commit(wake, robust=True)
