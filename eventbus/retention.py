"""Pruning the log: opt-in, in chunks, and only what every group has dealt with.

What goes is always the beginning of a stream, so that what is left has no hole; the last event stays,
because the relay marks the end of the stream in Redis with it.
"""

import dataclasses
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Min
from django.db.models.functions import Now

from eventbus import streams, subscribe
from eventbus.models import OPEN_STATUSES, Cursor, InboxEntry, OutboxEntry, Stream

CHUNK: Final = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pruned:
    """What was (or would be) deleted of a stream: positions `first` to `last`, none if `events` is 0.

    `limit` says what no pruning may pass at the moment, and `held_by` why.
    """

    stream: str
    first: int
    last: int
    events: int
    limit: int
    held_by: str


def prune(*, older_than: timedelta, chunk: int = CHUNK, dry_run: bool = False) -> list[Pruned]:
    """Delete from each stream what is older than the horizon and settled by every group that reads it.

    With each event go its inbox rows. Each chunk is a transaction of its own.
    """
    return [_prune(name, older_than, chunk, dry_run) for name in streams.stream_names()]


def _prune(name: str, older_than: timedelta, chunk: int, dry_run: bool) -> Pruned:
    stream = Stream.objects.filter(name=name).first() or Stream(name=name)
    limit, held_by = _limit(stream)
    last = _last_old(stream, limit, older_than)
    if not dry_run:
        for first in range(stream.pruned + 1, last + 1, chunk):
            _delete(name, first, min(first + chunk - 1, last))
    return Pruned(
        stream=name,
        first=stream.pruned + 1,
        last=last,
        events=last - stream.pruned,
        limit=limit,
        held_by=held_by,
    )


def _limit(stream: Stream) -> tuple[int, str]:
    """Return the last position that may go, and what is next after it.

    Cursors are read before inbox rows: nothing at or before a cursor becomes unsettled any more.
    """
    limits = {stream.head - 1: "the last event stays"}
    places = dict(
        Cursor.objects.filter(stream=stream.name).order_by("pk").values_list("group", "position")
    )
    for group in subscribe.GROUPS.values():
        if stream.name in group.streams and group.start == "beginning":
            places.setdefault(group.name, 0)
    limits |= {position: f"group {group} is there" for group, position in places.items()}
    if not places:
        limits[0] = "no group has read it"
    waiting = InboxEntry.objects.filter(stream=stream.name, status__in=OPEN_STATUSES)
    first_open = waiting.aggregate(first=Min("position"))["first"]
    if first_open is not None:
        limits[first_open - 1] = f"an event at {first_open} is not settled"
    limit = max(min(limits), stream.pruned)
    return limit, limits[min(limits)]


def _last_old(stream: Stream, limit: int, older_than: timedelta) -> int:
    """Return the position before the first event that is younger than the horizon."""
    kept = OutboxEntry.objects.filter(
        stream=stream.name,
        position__gt=stream.pruned,
        position__lte=limit,
        occurred_at__gte=Now() - older_than,
    )
    young = kept.order_by("position").values_list("position", flat=True).first()
    return limit if young is None else young - 1


def _delete(name: str, first: int, last: int) -> None:
    with transaction.atomic():
        Stream.objects.select_for_update().get(name=name)
        going = OutboxEntry.objects.filter(stream=name, position__range=(first, last))
        settled = InboxEntry.objects.exclude(status__in=OPEN_STATUSES)
        settled.filter(event_id__in=list(going.values_list("event_id", flat=True))).delete()
        going.delete()
        Stream.objects.filter(name=name, pruned__lt=last).update(pruned=last)
