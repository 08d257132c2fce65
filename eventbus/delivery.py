"""One transaction of a group on a stream: effects, inbox rows and cursor are committed together."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Final

from django.db import connection, transaction

from eventbus import crashpoints, inbox, log, retries
from eventbus.models import Cursor
from eventbus.pipeline import lasting, pipelined
from eventbus.subscribe import Group

BATCH: Final = 100
LONGEST_SECONDS: Final = 1.0
# Lock and look in one statement, so that epoch and head are of one moment.
PLACE: Final = """
    SELECT place.id, place.position, place.paused, COALESCE(stream.epoch, ''), COALESCE(stream.head, 0)
    FROM eventbus_cursor AS place LEFT JOIN eventbus_stream AS stream ON stream.name = place.stream
    WHERE place."group" = %s AND place.stream = %s FOR UPDATE OF place SKIP LOCKED
"""
MOVE: Final = """
    UPDATE eventbus_cursor SET position = %s, updated_at = statement_timestamp() WHERE id = %s
"""


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
    delivery = _Delivery(group=group, stream=stream, offer=offer, limit=limit, stopping=stopping)
    progress = inbox.optimistically(delivery.run)
    if progress.delivered:
        crashpoints.reached("consumer.committed")
    return progress


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Delivery:
    """One transaction; it may be run twice, the second time guarded."""

    group: Group
    stream: str
    offer: Offer
    limit: int
    stopping: Callable[[], bool]

    @transaction.atomic
    def run(self, guarded: bool) -> Progress:
        """Take the group's place and move it forward."""
        offered = {record.key for record in self.offer.records}
        place, due, blocked = _taken(self.group.name, self.stream, offered)
        if place is None or place.paused:
            position = place.position if place else self.offer.after
            epoch = (place.tip if place else log.tip(stream=self.stream)).epoch
            return Progress(position=position, epoch=epoch, busy=False, active=False)
        crashpoints.reached("consumer.locked")
        records = _next(place.position, self.stream, place.tip, self.offer, self.limit)
        keys = {record.key for record in records}
        retried = retries.run_due(group=self.group, stream=self.stream) if due else 0
        if retried or not keys <= offered:
            _, blocked = inbox.outlook(group=self.group.name, stream=self.stream, keys=keys)
        position = self._receive(place, records, blocked, guarded) if records else place.position
        return Progress(
            position=position,
            epoch=place.tip.epoch,
            busy=position < place.tip.head or retried == retries.AT_ONCE,
            delivered=position - place.position,
        )

    def _receive(
        self, place: "_Place", records: Sequence[log.Record], blocked: set[str], guarded: bool
    ) -> int:
        """Give the events to their handlers, write down how that ended and move the cursor to the last one."""
        started = time.perf_counter()
        with contextlib.ExitStack() as end:
            with contextlib.nullcontext() if guarded else self.group.unit_of_work():
                received, position = self._run_each(records, blocked, guarded)
                end.enter_context(lasting())  # what the unit gathered is sent with the rows below
            with pipelined(), connection.cursor() as cursor:
                inbox.write(received, seconds=time.perf_counter() - started)
                crashpoints.reached("consumer.recorded")
                cursor.execute(MOVE, [position, place.id])
        crashpoints.reached("consumer.moved")
        return position

    def _run_each(
        self, records: Sequence[log.Record], blocked: set[str], guarded: bool
    ) -> tuple[list[inbox.Received], int]:
        """Stop early rather than hold the lock for long."""
        deadline = time.monotonic() + LONGEST_SECONDS
        received: list[inbox.Received] = []
        position = 0
        for record in records:
            received += inbox.receive(
                group=self.group, record=record, blocked=blocked, guarded=guarded
            )
            crashpoints.reached("consumer.handled")
            position = record.position
            if self.stopping() or time.monotonic() > deadline:
                break
        return received, position


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the group is and where the stream ends, while the group's cursor is locked."""

    id: int
    position: int
    paused: bool
    tip: log.Tip


def _taken(group: str, stream: str, keys: set[str]) -> tuple[_Place | None, bool, set[str]]:
    """Return the group's place, locked (None if another worker holds it), and the outlook once it is."""
    with pipelined(), connection.cursor() as cursor:
        cursor.execute(PLACE, [group, stream])
        due, blocked = inbox.outlook(group=group, stream=stream, keys=keys)
        row = cursor.fetchone()
    if row is None:
        return None, due, blocked
    key, position, paused, epoch, head = row
    tip = log.Tip(epoch=epoch, head=head)
    return _Place(id=key, position=position, paused=paused, tip=tip), due, blocked


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
