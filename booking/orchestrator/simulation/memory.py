"""Rows in memory, written by the same unit of work as those in PostgreSQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from booking.orchestrator import store
from booking.orchestrator.plan import Saga
from booking.orchestrator.shape import Direction, SagaRow, SagaState, StepRow
from booking.orchestrator.work import Work

START: Final = datetime(2027, 1, 1, 12, tzinfo=UTC)
SAGA_ID: Final = UUID(int=1)


@dataclass
class Memory:
    """The three tables for one saga, and the clock: `saga`, `calls`, `history` (each entry as it would be stored)."""

    saga: SagaRow
    calls: tuple[StepRow, ...]
    now: datetime = START
    attention_reason: str | None = None
    history: list[Mapping[str, Any]] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)

    def note(self, kind: str, *, step: str = "", item: str = "", **detail: Any) -> None:
        """Add what happened outside of the engine to the history."""
        about = {"step": step, "item": item, "direction": "", "attempt": 0, "tries": 0, "actor": ""}
        self.history.append({"at": self.now, "kind": kind, **about, "detail": detail})


class MemoryWork(Work):
    """A unit of work on rows in memory."""

    def __init__(self, memory: Memory) -> None:
        """Read the rows."""
        self._memory = memory
        super().__init__(memory.saga, memory.calls, memory.now)

    @property
    def now(self) -> datetime:
        """Return the simulated time."""
        return self._memory.now

    def last_told(self, call: StepRow) -> tuple[str, Mapping[str, Any]]:
        """Return kind and detail of the newest line about a call, or about its saga as a whole."""
        for entry in reversed(self._memory.history):
            if not entry["step"] or (entry["step"], entry["item"], entry["direction"]) == call.id:
                return entry["kind"], entry["detail"]
        return "", {}

    def save(self) -> None:
        """Write everything, then let the services write theirs."""
        self.saga = replace(self.saga, epoch=self.saga.epoch + 1)
        self._memory.saga, self._memory.calls = self.saga, tuple(self.calls.values())
        self._memory.history += self._notes
        reason = self._columns.get("attention_reason", self._memory.attention_reason)
        self._memory.attention_reason = reason
        self._columns, self._changed, self._added, self._notes = {}, {}, {}, []
        effects, self._afterwards = self._afterwards, []
        for effect in effects:
            effect()


def started(saga: Saga, items: Iterable[str]) -> Memory:
    """Return the rows of a saga that has just started; a step with `each` gets one call for each item."""
    row = SagaRow(
        id=SAGA_ID,
        name=saga.name,
        state=SagaState.RUNNING,
        deadline_at=START + timedelta(seconds=saga.deadline),
        due_at=START,
        plan=msgspec.json.encode(saga.shape()).decode(),
    )
    named = tuple(items)
    calls = tuple(
        StepRow(
            step=step.name,
            item=item,
            key=store.key_of(SAGA_ID, step.name, item, Direction.FORWARD, 1),
        )
        for step in saga.steps.values()
        for item in (named if step.each is not None else ("",))
    )
    memory = Memory(saga=row, calls=calls)
    memory.note("started")
    return memory
