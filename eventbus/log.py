"""The log of record: the only way to read it, for the relay and for every consumer."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from eventbus import events, sensitive, subscribe

COLUMNS: Final = (
    "position, event_id, type, key, data::text, occurred_at,"
    " correlation_id, causation_id, traceparent, actor"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """One numbered event of a stream; `data` is its JSON text as it was published."""

    stream: str
    position: int
    event_id: UUID
    type: str
    key: str
    data: str = dataclasses.field(repr=False)
    occurred_at: datetime
    correlation_id: str
    causation_id: UUID | None
    traceparent: str
    actor: str

    @property
    def fact(self) -> str:
        """Return the event's name without its version."""
        return events.fact_of(self.type)

    def event(self) -> events.Event:
        """Return the event in its current version.

        Raises:
            UnknownEvent: no class or no chain of upcasters for this version.
            EventInvalid: the data does not fit.
        """
        return events.decode(self.type, json.loads(self.data))

    def meta(self, *, replay: bool = False) -> subscribe.Meta:
        """Return what a handler may know beside the event."""
        return subscribe.Meta(
            event_id=self.event_id,
            stream=self.stream,
            position=self.position,
            key=self.key,
            occurred_at=self.occurred_at,
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            replay=replay,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tip:
    """The end of a stream: its last position (0: empty) and the name of its life in Redis."""

    epoch: str
    head: int


NOWHERE: Final = Tip(epoch="", head=0)
"""The tip of a stream that has no row yet."""


def read(*, stream: str, after: int, limit: int) -> list[Record]:
    """Return up to `limit` events that follow a position, in order and without a hole."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM eventbus_outbox"  # noqa: S608 - a constant
            " WHERE stream = %s AND position > %s ORDER BY position LIMIT %s",
            [stream, after, limit],
        )
        return [record_of(stream, row) for row in cursor.fetchall()]


def tip(*, stream: str) -> Tip:
    """Return the end of a stream; of one that has no row yet, its beginning."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch, head FROM eventbus_stream WHERE name = %s", [stream])
        row = cursor.fetchone()
    return Tip(epoch=row[0], head=row[1]) if row else NOWHERE


def record_of(stream: str, row: Sequence[Any]) -> Record:
    """Return the record of a row that was selected as `COLUMNS`."""
    return Record(
        stream=stream,
        position=row[0],
        event_id=row[1],
        type=row[2],
        key=row[3],
        data=row[4],
        occurred_at=row[5],
        correlation_id=row[6],
        causation_id=row[7],
        traceparent=row[8],
        actor=row[9],
    )


def masked(*, wire_name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event's data fit for the eyes of an operator.

    What its current version does not declare is masked too: it may be an older name of a personal field.
    """
    cls = events.TYPES.get(events.fact_of(wire_name))
    declared = cls.field_names() if cls else frozenset()
    shown = {name: data[name] if name in declared else sensitive.MASK for name in data}
    return sensitive.masked(shown, cls.sensitive_paths) if cls else shown
