"""One saga of toy operations in memory, moved by the engine's own worker: for tests that look at single rows.

The clock stands still unless it is moved, the dice always show one half, and every transaction is
fenced and rolled back as PostgreSQL would do it.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking.orchestrator import calls, store
from booking.orchestrator.plan import Saga
from booking.orchestrator.shape import CallId, Direction, SagaState, StepRow, StepState
from booking.orchestrator.simulation.memory import START, Memory, MemoryWork, started
from booking.orchestrator.work import Work
from eventbus.together import Overtaken
from outbound.call import Call
from tests import toy

FORWARD, BACK, ANNUL = Direction.FORWARD, Direction.COMPENSATE, Direction.ANNUL
SUBJECT = UUID(int=7)


class FencedWork(MemoryWork):
    """A unit of work that somebody else may overtake."""

    def save(self) -> None:
        """Write, unless somebody else has written since the read."""
        if self.saga.epoch != self._memory.saga.epoch:
            raise Overtaken(str(self.saga.id))
        self._memory.__dict__["written"] = dict(self._columns)
        super().save()


class Desk:
    """The rows of one saga, to be laid out, and what became of them."""

    def __init__(self, saga: Saga = toy.TOY, items: Iterable[str] = ("flight",)) -> None:
        self.memory: Memory = started(saga, items)
        self.memory.saga = replace(self.memory.saga, subject_id=SUBJECT)
        self.memory.history.clear()
        self.before: Mapping[CallId, StepRow] = {}
        self.keep()

    @property
    def id(self) -> UUID:
        """Return the saga's id."""
        return self.memory.saga.id

    def read(self, saga_id: UUID) -> Work:
        """Read the saga as `store.read` does."""
        if saga_id != self.id:
            raise store.SagaNotFound(str(saga_id))
        return FencedWork(self.memory)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo what was written when the block fails."""
        kept = copy.copy(self.memory), list(self.memory.history)
        try:
            yield
        except BaseException:
            self.memory.__dict__.update(kept[0].__dict__, history=kept[1])
            raise

    def saga(self, **fields: Any) -> None:
        """Lay out the saga's own row."""
        self.memory.saga = replace(self.memory.saga, **fields)
        self.keep()

    def row(
        self, step: str, item: str = "", direction: Direction = FORWARD, **fields: Any
    ) -> StepRow:
        """Lay out a call's row (a new one, if there is none); return it."""
        rows = {call.id: call for call in self.memory.calls}
        known = rows.get((step, item, direction)) or StepRow(
            step=step, item=item, direction=direction, key=f"{step}:{item}:{direction.value}"
        )
        rows[known.id] = replace(known, **fields)
        self.memory.calls = tuple(rows.values())
        self.keep()
        return rows[known.id]

    def done(self, *steps: str) -> None:
        """Lay out these steps as done."""
        for call in self.memory.calls:
            if call.step in steps:
                self.row(call.step, call.item, state=StepState.DONE, request={"what": call.step})

    def keep(self) -> None:
        """Remember the rows as they are, to tell later what has changed."""
        self.before = {call.id: call for call in self.memory.calls}

    def of(self, step: str, item: str = "", direction: Direction = FORWARD) -> StepRow:
        """Return a call's row as it is now."""
        return next(c for c in self.memory.calls if c.id == (step, item, direction))

    def changes(self, step: str, item: str = "", direction: Direction = FORWARD) -> dict[str, Any]:
        """Return what has changed in a call's row."""
        return _difference(self.before.get((step, item, direction)), self.of(step, item, direction))

    @property
    def written(self) -> dict[str, Any]:
        """Return the columns of the saga's own row that were written last."""
        return dict(self.memory.__dict__.get("written", {}))

    def told(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the history: kind, call ("book:flight"), detail."""
        return [
            (str(e["kind"]), ":".join(part for part in (e["step"], e["item"]) if part), e["detail"])
            for e in self.memory.history
        ]

    def claim(
        self, step: str, item: str = "", direction: Direction = FORWARD, **fields: Any
    ) -> calls.Claim:
        """Return the claim of a worker that is making a call whose row is laid out as claimed."""
        row = self.of(step, item, direction)
        made: dict[str, Any] = {
            "id": row.id,
            "epoch": row.epoch,
            "phase": calls.Phase.SEND,
            "operation": toy.Remote() if direction is FORWARD else toy.TakeBack(),
            "request": toy.Request(step),
            "call": Call(
                saga_id=self.id, subject_id=SUBJECT, step=step, item=item, key=row.key, now=START
            ),
            "refused_by": (toy.No,),
            "retry_on": (Exception,),
            "not_after": float("inf"),
        }
        return calls.Claim(**made | fields)


def after(seconds: float) -> datetime:
    """Return the moment so many seconds after the beginning."""
    return START + timedelta(seconds=seconds)


def _difference(before: Any, now: Any) -> dict[str, Any]:
    old = asdict(before) if before is not None else {}
    return {name: value for name, value in asdict(now).items() if old.get(name, _NEW) != value}


_NEW: Any = object()

__all__ = ["ANNUL", "BACK", "FORWARD", "START", "SUBJECT", "Desk", "SagaState", "after"]
