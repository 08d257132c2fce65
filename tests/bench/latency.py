"""How long from publishing to applied: a steady rate from here, CRM's commits as PostgreSQL dated them."""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from eventbus.publish import publish
from eventbus.subscribe import GROUPS
from tests.bench import bus

SECONDS: Final = 6.0
APPLIED: Final = """
    SELECT event_id, max(pg_xact_commit_timestamp(xmin)) FROM eventbus_inbox
    WHERE "group" = 'crm' AND event_id = ANY(%s) GROUP BY event_id
"""
"""Nothing looks on while CRM works: the server notes the time of each commit (`track_commit_timestamp`)."""


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Milliseconds of each event that CRM reacts to, from before its transaction, and the real rate of all."""

    per_second: float
    milliseconds: list[float]


def at(per_second: float, *, seconds: float = SECONDS) -> Latencies:
    """Publish at a steady rate, each event in its own transaction, and see when CRM has applied it."""
    events = [event for _ in range(max(10, int(per_second * seconds / 7))) for event in bus.story()]
    published_at: dict[uuid.UUID, float] = {}
    first = time.monotonic()
    for number, event in enumerate(events):
        time.sleep(max(0.0, first + number / per_second - time.monotonic()))
        begun = time.time()
        with transaction.atomic():
            event_id = publish(event)
        if GROUPS["crm"].handlers_of(event.fact):
            published_at[event_id] = begun
    took = time.monotonic() - first
    bus.caught_up()
    return Latencies(
        per_second=len(events) / took,
        milliseconds=[
            1000 * (applied.timestamp() - published_at[event_id])
            for event_id, applied in _applied(list(published_at))
        ],
    )


def sustained(*, count: int) -> float:
    """Return the events a second that one publisher, relay and consumer get through together.

    `count` is the number of trips; each publishes seven events.
    """
    first = time.monotonic()
    for _ in range(count):
        for event in bus.story():
            with transaction.atomic():
                publish(event)
    bus.caught_up()
    return 7 * count / (time.monotonic() - first)


def _applied(event_ids: list[uuid.UUID]) -> list[tuple[uuid.UUID, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(APPLIED, [event_ids])
        found = cursor.fetchall()
    if len(found) != len(event_ids):
        raise RuntimeError(f"CRM applied {len(found)} of {len(event_ids)} events")
    return found
