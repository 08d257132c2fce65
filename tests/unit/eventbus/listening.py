"""Events that are made by hand, and a group that remembers what it was given."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from eventbus import context, log, subscribe
from eventbus.subscribe import Meta
from tests.integration.eventbus import sample

SUBJECT = uuid.UUID(int=5)
MOMENT = datetime(2027, 1, 1, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def record(number: int = 1, **fields: Any) -> log.Record:
    """Return a numbered event of the sample publisher."""
    known: dict[str, Any] = {
        "stream": "tests", "position": number, "event_id": uuid.UUID(int=number),
        "type": "tests.noted.v1", "key": str(SUBJECT),
        "data": json.dumps({"subject_id": str(SUBJECT), "number": number}),
        "occurred_at": MOMENT, "correlation_id": "request 1", "causation_id": uuid.UUID(int=99),
        "traceparent": TRACE, "actor": "ada",
    }  # fmt: skip
    return log.Record(**known | fields)


class Listener:
    """A group that remembers what it was given, and in which circumstances."""

    def __init__(self, **options: Any) -> None:
        self.given: list[tuple[sample.Noted, Meta, context.Context]] = []
        self.trouble: dict[int, Exception] = {}
        self.units: list[str] = []
        self.group = subscribe.Group(
            "listening", streams=["tests"], start="beginning", unit_of_work=self.unit_of_work
        )

        @self.group.on(sample.Noted, **options)
        def note(event: sample.Noted, meta: Meta) -> None:
            """Note it."""
            self.given.append((event, meta, context.current()))
            if event.number in self.trouble:
                raise self.trouble[event.number]

        self.handler = self.group.handlers[0]

    @contextmanager
    def unit_of_work(self) -> Iterator[None]:
        self.units.append("begun")
        yield
        self.units.append("ended")

    @property
    def numbers(self) -> list[int]:
        """Return the numbers that it was given."""
        return [event.number for event, *_ in self.given]
