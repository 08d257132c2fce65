"""Giving published events their dense position. Commits before anything is sent."""

import dataclasses
from typing import Final

from django.db import connection, transaction

from eventbus import log, models

BATCH: Final = 200

# Two statements, lock first: the second one's snapshot must see what the lock's last holder numbered.
LOCK: Final = "SELECT epoch, head FROM eventbus_stream WHERE name = %s FOR NO KEY UPDATE"
NUMBER: Final = f"""
    WITH next AS (
        SELECT id, row_number() OVER (ORDER BY id) AS n
        FROM (SELECT id FROM eventbus_outbox
              WHERE stream = %s AND position IS NULL ORDER BY id LIMIT %s) AS unnumbered
    ), numbered AS (
        UPDATE eventbus_outbox AS o SET position = %s + next.n
        FROM next WHERE o.id = next.id
        RETURNING {log.COLUMNS.replace("position", "o.position", 1)}
    ), moved AS (
        UPDATE eventbus_stream SET head = head + (SELECT count(*) FROM next) WHERE name = %s
    )
    SELECT * FROM numbered ORDER BY position
"""  # noqa: S608 - a constant


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbered:
    """The events just numbered, in order, and the end of the stream after them."""

    tip: log.Tip
    records: list[log.Record]


def number(*, stream: str, limit: int = BATCH) -> Numbered:
    """Number up to `limit` events that have no position yet, oldest first; positions have no holes."""
    if not _waiting(stream):
        return Numbered(tip=log.tip(stream=stream), records=[])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, [stream])
        epoch, head = cursor.fetchone()
        cursor.execute(NUMBER, [stream, limit, head, stream])
        records = [log.record_of(stream, row) for row in cursor.fetchall()]
    return Numbered(tip=log.Tip(epoch=epoch, head=head + len(records)), records=records)


def ensure_stream(*, stream: str) -> None:
    """Make the stream's row if it is new."""
    models.Stream.objects.bulk_create([models.Stream(name=stream)], ignore_conflicts=True)


def rotate(*, stream: str, epoch: str) -> None:
    """Begin a new life of the stream in Redis, unless another relay has done so since `epoch`."""
    models.Stream.objects.filter(name=stream, epoch=epoch).update(
        epoch=models.new_epoch(), published=0
    )


def _waiting(stream: str) -> bool:
    return models.OutboxEntry.objects.filter(stream=stream, position=None).exists()
