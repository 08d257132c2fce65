"""A saga as one worker holds it: what was read, what is to change, and one fenced statement that writes it.

Nothing is locked while a worker decides. Each write raises the saga's epoch and counts only if nobody
has written since the read (optimistic offline lock: Fowler, "Patterns of Enterprise Application
Architecture", 2002): of two workers at one saga, one is `Overtaken`, its transaction is rolled back, and
it reads again.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec
from django.db import DatabaseError, connection
from django.db.models import Q

from booking.orchestrator.models import SagaEvent
from booking.orchestrator.shape import CallId, Direction, Rows, SagaRow, StepRow
from eventbus import faults, together

_IDENTITY: Final = ("step", "item", "direction")
_FIXED: Final = {*_IDENTITY, "given", "never_resend"}
_COLUMNS: Final = [field.name for field in fields(StepRow) if field.name not in _FIXED]
_ABOUT_NO_CALL: Final[dict[str, Any]] = {
    "step": "",
    "item": "",
    "direction": "",
    "attempt": 0,
    "tries": 0,
}
_NOTED: Final = ["at", "kind", *_ABOUT_NO_CALL, "detail", "actor"]


def _insert(table: str, columns: Sequence[str]) -> str:
    return (
        f"INSERT INTO {table} (saga_id, {', '.join(columns)})"  # noqa: S608
        f" SELECT fence.id, {', '.join('c.' + name for name in columns)}"
        f" FROM fence, jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS c"
    )


_CHANGE: Final = (
    f"UPDATE saga_step AS t SET {', '.join(f'{name} = c.{name}' for name in _COLUMNS)}"  # noqa: S608
    " FROM fence, jsonb_populate_recordset(NULL::saga_step, %s::jsonb) AS c"
    " WHERE t.saga_id = fence.id AND t.step = c.step AND t.item = c.item AND t.direction = c.direction"
)
_ADD: Final = _insert("saga_step", [*_IDENTITY, "given", *_COLUMNS])
_NOTE: Final = _insert("saga_event", _NOTED)
_OVERTAKEN: Final = "SG001"
"""The SQLSTATE of `saga_written`."""
_FLAGS: Final = {"cancel_requested_at": "cancel_requested", "attention_reason": "parked"}
"""Column -> the field of `SagaRow` that says whether it is set."""


class Work:
    """A unit of work on one saga (Fowler 2002): changes are made in memory and written by `save`."""

    def __init__(self, saga: SagaRow, calls: Iterable[StepRow], now: datetime) -> None:
        """Take what was read, and the database's time of the reading."""
        self.saga = saga
        self.shape = saga.shape
        self.calls: dict[CallId, StepRow] = {call.id: call for call in calls}
        self._afterwards: list[Callable[[], None]] = []
        self._begin(now)

    @property
    def now(self) -> datetime:
        """Return the database's time: as last read, and what has passed since."""
        return self._now + timedelta(seconds=time.monotonic() - self._at)

    @property
    def rows(self) -> Rows:
        """Return the calls as `decide` sees them."""
        return Rows(tuple(self.calls.values()))

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._columns or self._changed or self._added or self._notes)

    @property
    def enters_a_state(self) -> bool:
        """Whether the saga is to be in another state than it was read in."""
        return "state" in self._columns

    def forward(self, call: StepRow) -> StepRow:
        """Return the forward call that a compensation or annulment belongs to."""
        return self.calls[call.step, call.item, Direction.FORWARD]

    def change(self, call: StepRow, **fields: Any) -> StepRow:
        """Change a call; return it as it is now."""
        changed = replace(self.calls[call.id], **fields)
        self.calls[call.id] = changed
        if call.id not in self._added:
            self._changed[call.id] = None
        return changed

    def settle(self, call: StepRow, **fields: Any) -> StepRow:
        """Change a call that nobody is making any more."""
        return self.change(call, lease_until=None, **fields)

    def add(self, calls: Iterable[StepRow]) -> None:
        """Create calls (compensations, annulments)."""
        for call in calls:
            self.calls[call.id] = call
            self._added[call.id] = None

    def move(self, **columns: Any) -> None:
        """Change the saga's own row."""
        self._columns |= columns
        fields: dict[str, Any] = {
            _FLAGS.get(n, n): v is not None if n in _FLAGS else v for n, v in columns.items()
        }
        fields.pop("finished_at", None)
        self.saga = replace(self.saga, **fields)

    def last_told(self, call: StepRow) -> tuple[str, Mapping[str, Any]]:
        """Return kind and detail of the newest stored line about a call, or about its saga as a whole."""
        about_it = Q(step=call.step, item=call.item, direction=call.direction)
        lines = SagaEvent.objects.filter(Q(step="") | about_it, saga_id=self.saga.id)
        return lines.values_list("kind", "detail").latest("id")

    def note(self, kind: str, call: StepRow | None = None, **detail: Any) -> None:
        """Add a line to the saga's history."""
        about = _ABOUT_NO_CALL
        if call is not None:
            about = {name: getattr(self.calls[call.id], name) for name in _ABOUT_NO_CALL}
        actor = str(detail.pop("actor", ""))[:120]
        self._notes.append(
            {"at": self.now, "kind": kind, **about, "actor": actor, "detail": detail}
        )

    def afterwards(self, effect: Callable[[], None]) -> None:
        """Let a service write its rows in the same transaction; they count only if the fence matches."""
        self._afterwards.append(effect)

    def save(self) -> None:
        """Write everything, services' rows included, by one statement that is fenced by the saga's epoch.

        A service that needs a transaction of several statements finds the fence passed already.

        Raises:
            Overtaken: somebody else has written since the read.
        """
        with together.joined() as written:
            written.lead(partial(self._write, written))
            effects, self._afterwards = self._afterwards, []
            try:
                for effect in effects:
                    effect()
            except Exception as error:
                if written.first is not None and self._is_overtaken():
                    raise together.Overtaken(str(self.saga.id)) from error
                raise
            written.finish()

    def _is_overtaken(self) -> bool:
        """Look whether trouble of a service is that of somebody who came too late."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT epoch FROM saga WHERE id = %s", [self.saga.id])
                return bool(cursor.fetchone() != (self.saga.epoch,))
        except DatabaseError:
            return False  # the database is in trouble, and that is what is told

    def _write(self, written: together.Together) -> None:
        statement, parameters = self._statement(written.take())
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                [now] = cursor.fetchone()
        except DatabaseError as error:
            if faults.sqlstate_of(error) != _OVERTAKEN:
                raise
            raise together.Overtaken(str(self.saga.id)) from error
        self.saga = replace(self.saga, epoch=self.saga.epoch + 1)
        self._begin(now)

    def _begin(self, now: datetime) -> None:
        """Begin with nothing changed, at the database's time of the read."""
        self._now, self._at = now, time.monotonic()
        self._columns: dict[str, Any] = {}
        self._changed: dict[CallId, None] = {}
        self._added: dict[CallId, None] = {}
        self._notes: list[dict[str, Any]] = []

    def _statement(self, rows: Mapping[together.Kind, together.Rows]) -> tuple[str, list[Any]]:
        sets = "".join(f", {name} = %s" for name in self._columns)
        parameters = [*self._columns.values(), self.saga.id, self.saga.epoch]
        parts = [
            f"WITH fence AS (UPDATE saga SET epoch = epoch + 1, dispatches = 0{sets}"  # noqa: S608
            " WHERE id = %s AND epoch = %s RETURNING id)"
        ]
        passed = ["EXISTS (SELECT FROM fence)"]
        writes = (
            (_CHANGE, [self.calls[id_] for id_ in self._changed]),
            (_ADD, [self.calls[id_] for id_ in self._added]),
            (_NOTE, self._notes),
        )
        for write, lines in writes:
            if lines:
                parts.append(f"write_{len(parts)} AS ({write})")
                parameters.append(msgspec.json.encode(lines).decode())
        for kind, found in rows.items():
            if kind.guarded:
                passed.append(f"EXISTS (SELECT FROM write_{len(parts)})")
            parts.append(f"write_{len(parts)} AS ({kind.sql('fence, ')})")
            parameters.append(kind.parameter(found))
        return f"{', '.join(parts)} SELECT saga_written({' AND '.join(passed)})", parameters
