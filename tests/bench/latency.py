"""How long from publishing to applied: a steady rate from here, CRM's cursor watched from here."""

import threading
import time
import uuid
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from eventbus.models import OutboxEntry
from eventbus.publish import publish
from tests.bench import bus

SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.002


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Milliseconds of each event, and the rate at which they were really published."""

    per_second: float
    milliseconds: list[float]


def at(per_second: float, *, seconds: float = 6.0) -> Latencies:
    """Publish at a steady rate, each event in its own transaction, and see when CRM has applied it."""
    events = [event for _ in range(max(10, int(per_second * seconds / 7))) for event in bus.story()]
    seen = _Watcher(until=bus.head() + len(events))
    seen.start()
    published_at: dict[uuid.UUID, float] = {}
    first = time.monotonic()
    for number, event in enumerate(events):
        time.sleep(max(0.0, first + number / per_second - time.monotonic()))
        begun = time.monotonic()
        with transaction.atomic():
            event_id = publish(event)
        published_at[event_id] = begun
    took = time.monotonic() - first
    seen.join(timeout=SECONDS)
    rows = OutboxEntry.objects.filter(event_id__in=published_at)
    positions = dict(rows.values_list("event_id", "position"))
    return Latencies(
        per_second=len(events) / took,
        milliseconds=[
            1000 * (seen.when(positions[event_id]) - begun)
            for event_id, begun in published_at.items()
        ],
    )


class _Watcher(threading.Thread):
    """Looks at CRM's cursor every two milliseconds and remembers when it was where."""

    def __init__(self, *, until: int) -> None:
        super().__init__(daemon=True)
        self._until = until
        self._samples: list[tuple[int, float]] = []

    def run(self) -> None:
        """Look until the last event is applied."""
        position = 0
        with connection.cursor() as cursor:
            while position < self._until:
                cursor.execute(
                    "SELECT position FROM eventbus_cursor WHERE \"group\" = 'crm' AND stream = %s",
                    [bus.STREAM],
                )
                [position] = cursor.fetchone()
                if not self._samples or position > self._samples[-1][0]:
                    self._samples.append((position, time.monotonic()))
                time.sleep(LOOK_SECONDS)
        connection.close()

    def when(self, position: int) -> float:
        """Return when the cursor was first seen at or after a position."""
        return next(at for reached, at in self._samples if reached >= position)
