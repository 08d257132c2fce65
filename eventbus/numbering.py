"""Giving published events their dense position. Commits before anything is sent."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction

from eventbus import crashpoints, log, models
from eventbus.pipeline import pipelined

BATCH: Final = 200
FORGETTING_SECONDS: Final = 60

LOOK: Final = """
    SELECT name, epoch, head,
        EXISTS (SELECT FROM eventbus_outbox WHERE stream = name AND position IS NULL)
    FROM eventbus_stream WHERE name = ANY(%s)
"""
# Two statements, lock first: the second one's snapshot must see what the lock's last holder numbered.
LOCK: Final = "SELECT epoch, head FROM eventbus_stream WHERE name = %s FOR NO KEY UPDATE"
PUBLISHED: Final = """
    UPDATE eventbus_stream SET published = %s WHERE name = %s AND epoch = %s AND published < %s
"""
NUMBER: Final = f"""
    WITH next AS (
        SELECT id, row_number() OVER (ORDER BY id) AS n
        FROM (SELECT id FROM eventbus_outbox
              WHERE stream = %s AND position IS NULL ORDER BY id LIMIT %s) AS unnumbered
    ), numbered AS (
        UPDATE eventbus_outbox AS o SET position = stream.head + next.n
        FROM next, eventbus_stream AS stream WHERE o.id = next.id AND stream.name = %s
        RETURNING {log.COLUMNS.replace("position", "o.position", 1)}
    ), moved AS (
        UPDATE eventbus_stream SET head = head + (SELECT count(*) FROM next)
        WHERE name = %s AND EXISTS (SELECT FROM next)
    )
    SELECT * FROM numbered ORDER BY position
"""  # noqa: S608 - a constant


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """The end of a stream, and whether events wait for their number."""

    tip: log.Tip
    waiting: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbered:
    """The events just numbered, in order, and the end of the stream after them."""

    tip: log.Tip
    records: list[log.Record]


def look(*, streams: Sequence[str]) -> dict[str, Look]:
    """Return what there is to do on each stream that has a row."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [list(streams)])
        return {
            name: Look(tip=log.Tip(epoch=epoch, head=head), waiting=waiting)
            for name, epoch, head, waiting in cursor.fetchall()
        }


def number(*, stream: str, limit: int = BATCH) -> Numbered:
    """Number up to `limit` events that have no position yet, oldest first; positions have no holes."""
    with transaction.atomic():
        with pipelined(), connection.cursor() as lock, connection.cursor() as cursor:
            lock.execute(LOCK, [stream])
            cursor.execute(NUMBER, [stream, limit, stream, stream])
            epoch, head = lock.fetchone()
            records = [log.record_of(stream, row) for row in cursor.fetchall()]
        crashpoints.reached("relay.numbering")
    crashpoints.reached("relay.numbered")
    return Numbered(tip=log.Tip(epoch=epoch, head=head + len(records)), records=records)


def published(*, stream: str, epoch: str, position: int) -> None:
    """Note how far the stream's present life in Redis goes."""
    with connection.cursor() as cursor:
        cursor.execute(PUBLISHED, [position, stream, epoch, position])


def ensure_stream(*, stream: str) -> None:
    """Make the stream's row if it is new."""
    models.Stream.objects.bulk_create([models.Stream(name=stream)], ignore_conflicts=True)


def rotate(*, stream: str, epoch: str) -> None:
    """Begin a new life of the stream in Redis, unless another relay has done so since `epoch`."""
    with transaction.atomic():
        lives = models.Stream.objects.select_for_update().filter(name=stream, epoch=epoch)
        for row in lives:
            row.ended.append([row.epoch, time.time()])
            row.epoch, row.published = models.new_epoch(), 0
            row.save(update_fields=["ended", "epoch", "published"])


def ended_lives(*, stream: str) -> list[str]:
    """Return the epochs whose keys Redis is to forget."""
    row = models.Stream.objects.filter(name=stream).exclude(ended=[]).first()
    return [epoch for epoch, _ in row.ended] if row else []


def forget_lives(*, stream: str, epochs: list[str]) -> None:
    """Take these epochs, whose keys are deleted, off the list, unless they ended within the last minute.

    A relay that was slow may have written to the old key once more, so they are deleted again until then.
    """
    with transaction.atomic():
        row = models.Stream.objects.select_for_update().get(name=stream)
        row.ended = [
            [epoch, at]
            for epoch, at in row.ended
            if epoch not in epochs or time.time() - at < FORGETTING_SECONDS
        ]
        row.save(update_fields=["ended"])
