"""The bus's receiver of the event signal: writes the outbox row and nudges the relay after the commit."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.dispatch import receiver

from eventbus import context, crashpoints, nudge, streams
from eventbus.events import Event
from eventbus.models import OutboxEntry
from eventbus.publish import event_published

ACTOR_CHARACTERS: Final = 200


@receiver(event_published, dispatch_uid="eventbus.outbox")
def record(sender: type[Event], *, event: Event, **_: Any) -> UUID:
    """Write the event into the log, as part of the caller's transaction.

    Raises:
        EventInvalid: a field has the wrong type.
        StreamUnknown: no context owns the event's app.
    """
    now = context.current()
    entry = OutboxEntry(
        stream=streams.stream_of(sender.app),
        type=sender.wire_name,
        key=event.partition_key,
        data=event.to_dict(),
        causation_id=now.causation_id,
        traceparent=context.child_traceparent(now.traceparent),
        actor=(now.actor or "")[:ACTOR_CHARACTERS],
    )
    entry.correlation_id = now.correlation_id or str(entry.event_id)
    entry.save(force_insert=True)
    crashpoints.reached("publish.recorded")
    _nudge_once_after_commit()
    return entry.event_id


def _nudge_once_after_commit() -> None:
    waiting = transaction.get_connection().run_on_commit
    if not any(function is nudge.send for _, function, _ in waiting):
        transaction.on_commit(nudge.send, robust=True)
