"""One transaction of a group on a stream: effects, inbox rows and cursor are committed together."""

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from eventbus import crashpoints, inbox, log, retries
from eventbus.models import Cursor, InboxEntry
from eventbus.subscribe import Group

logger = logging.getLogger(__name__)

BATCH: Final = 100
LONGEST_SECONDS: Final = 1.0
Ran = tuple[list[InboxEntry], int]
"""The inbox rows of a batch, not saved, and the position that it came to."""


class LogPruned(RuntimeError):
    """The log no longer has what the group would need next; a person decides where it goes on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Offer:
    """What Redis has after a position, and the life of the stream it was read from."""

    epoch: str
    after: int = 0
    records: Sequence[log.Record] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """Where the group is; `busy` if there is more to do at once, `active` if this worker holds the place."""

    position: int
    epoch: str
    busy: bool
    active: bool = True
    delivered: int = 0


def ensure_cursor(*, group: Group, stream: str) -> int:
    """Give a new group its place, at the beginning of the log or at its end; return where it is."""
    start = log.tip(stream=stream).head if group.start == "now" else 0
    cursor, _ = Cursor.objects.get_or_create(
        group=group.name, stream=stream, defaults={"position": start, "started_from": start}
    )
    return cursor.position


def deliver(
    *,
    group: Group,
    stream: str,
    offer: Offer,
    limit: int = BATCH,
    stopping: Callable[[], bool] = lambda: False,
) -> Progress:
    """Run what is due again, then what comes next, offered by Redis or else read from the log.

    Raises:
        LogPruned: the next event is not in the log any more.
    """
    with transaction.atomic():
        cursor = _locked(group.name, stream)
        tip = log.tip(stream=stream)
        if cursor is None or cursor.paused:
            position = cursor.position if cursor else offer.after
            return Progress(position=position, epoch=tip.epoch, busy=False, active=False)
        crashpoints.reached("consumer.locked")
        retried = retries.run_due(group=group, stream=stream)
        records = _next(cursor.position, stream, tip, offer, limit)
        delivered = _receive_all(group, cursor, records, stopping)
    if delivered:
        crashpoints.reached("consumer.committed")
    busy = cursor.position < tip.head or retried == retries.AT_ONCE
    return Progress(position=cursor.position, epoch=tip.epoch, busy=busy, delivered=delivered)


def _locked(group: str, stream: str) -> Cursor | None:
    """Return the group's place, locked; None if another worker holds it."""
    places = Cursor.objects.select_for_update(skip_locked=True)
    return places.filter(group=group, stream=stream).first()


def _next(
    position: int, stream: str, tip: log.Tip, offer: Offer, limit: int
) -> Sequence[log.Record]:
    """Return the events that follow the position without a hole, no further than the log goes."""
    if tip.head <= position:
        return []
    if offer.epoch == tip.epoch:
        following = [r for r in offer.records if position < r.position <= tip.head]
        dense = [r for n, r in enumerate(following, position + 1) if r.position == n]
        if dense:
            return dense[:limit]
    records = log.read(stream=stream, after=position, limit=limit)
    if not records or records[0].position != position + 1:
        raise LogPruned(f"{stream} has nothing at {position + 1}, though it goes on to {tip.head}")
    return records


def _receive_all(
    group: Group, cursor: Cursor, records: Sequence[log.Record], stopping: Callable[[], bool]
) -> int:
    """Give each event to its handlers and move the cursor; stop early rather than hold the lock for long."""
    if not records:
        return 0
    start = cursor.position
    keys = {record.key for record in records}
    blocked = inbox.blocked_keys(group=group.name, stream=cursor.stream, keys=keys)
    entries, cursor.position = _run(group, records, blocked, stopping)
    InboxEntry.objects.bulk_create(entries)
    crashpoints.reached("consumer.recorded")
    Cursor.objects.filter(pk=cursor.pk).update(position=cursor.position, updated_at=Now())
    crashpoints.reached("consumer.moved")
    return cursor.position - start


def _run(
    group: Group, records: Sequence[log.Record], blocked: set[str], stopping: Callable[[], bool]
) -> Ran:
    """Run the batch without savepoints; if a handler fails, take it all back and run it guarded."""
    if len(records) > 1:
        try:
            with transaction.atomic():
                ran = _run_each(group, records, set(blocked), stopping, guarded=False)
                inbox.check_batch()
                return ran
        except inbox.BatchBroken as error:
            logger.info("Running a batch of %s again, guarded: %s", group.name, error)
    return _run_each(group, records, blocked, stopping, guarded=True)


def _run_each(
    group: Group,
    records: Sequence[log.Record],
    blocked: set[str],
    stopping: Callable[[], bool],
    *,
    guarded: bool,
) -> Ran:
    deadline = time.monotonic() + LONGEST_SECONDS
    entries: list[InboxEntry] = []
    position = 0
    for record in records:
        entries += inbox.receive(group=group, record=record, blocked=blocked, guarded=guarded)
        crashpoints.reached("consumer.handled")
        position = record.position
        if stopping() or time.monotonic() > deadline:
            break
    return entries, position
