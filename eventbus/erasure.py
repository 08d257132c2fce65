"""Overwriting personal fields in the log, and making Redis forget them."""

import dataclasses
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from eventbus import events, numbering, sensitive
from eventbus.models import InboxEntry, OutboxEntry, Stream

ERASED_ERROR: Final = "erased"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Erased:
    """How many events were overwritten, and how many error texts about events of the keys."""

    events: int
    errors: int


def erase(*, stream: str, keys: Collection[UUID | str]) -> Erased:
    """Overwrite every personal field of the events under these keys; part of the caller's transaction.

    Handlers that hear or replay such an event later get values that say nothing but fit their type.
    An event of an older version is kept in its current one; one that cannot be read is emptied. So
    call it in a process that declares the stream's events. Error texts of handlers go too, as they
    may quote the event. After the commit the relay starts the stream in Redis anew from the log.
    """
    wanted = [str(key) for key in keys]
    with transaction.atomic():
        numbering.ensure_stream(stream=stream)
        # The stream first, as the relay locks it; events that it is numbering now are waited for.
        place = Stream.objects.select_for_update().get(name=stream)
        entries = list(
            OutboxEntry.objects.select_for_update().filter(stream=stream, key__in=wanted)
        )
        overwritten = sum(_overwrite(entry) for entry in entries)
        quoting = InboxEntry.objects.filter(event_id__in=[entry.event_id for entry in entries])
        errors = quoting.exclude(error__in=["", ERASED_ERROR]).update(error=ERASED_ERROR)
        if overwritten:
            numbering.rotate(stream=stream, epoch=place.epoch)
    return Erased(events=overwritten, errors=errors)


def _overwrite(entry: OutboxEntry) -> bool:
    """Overwrite one event; return whether that changed it."""
    wire_name, data = _without_personal(entry.type, entry.data)
    if (wire_name, data) == (entry.type, entry.data):
        return False
    entry.type, entry.data = wire_name, data
    entry.save(update_fields=["type", "data"])
    return True


def _without_personal(wire_name: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        event = events.decode(wire_name, data)
    except (events.UnknownEvent, events.EventInvalid):
        return wire_name, {}
    personal = type(event).blanks
    undeclared = set(data) - event.field_names()
    if not personal and not undeclared:
        return wire_name, data
    # What the current version does not declare may be an older name of a personal field.
    blanked = sensitive.overwritten(event.to_dict(), personal)
    return event.wire_name, type(event).from_dict(blanked).to_dict()
