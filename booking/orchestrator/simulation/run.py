"""Run a simulated saga to its end: the engine's worker over memory, and a clock that jumps to what is due."""

import logging
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from booking.orchestrator import calls, moves
from booking.orchestrator.decide import Decision, Run
from booking.orchestrator.engine import Progress, Worker
from booking.orchestrator.plan import Saga
from booking.orchestrator.shape import FINAL, Direction, SagaState, StepRow, StepState
from booking.orchestrator.simulation.faults import Fault, Kind
from booking.orchestrator.simulation.memory import START, Memory, MemoryWork, started
from booking.orchestrator.simulation.twin import twin_of
from booking.orchestrator.simulation.world import Place, World
from booking.orchestrator.work import Work
from outbound.call import Idempotency

MOST_TURNS: Final = 2_000


class RunsForEver(Exception):
    """A simulated saga came to no end: a defect of the engine, or of this simulation."""


class _Died(Exception):
    """The worker is dead; whatever it held in memory is gone."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a simulated run ended: as a saga's rows, and what stands at the other side.

    `history` has the entries that `saga_event` would have, and `crashed`, `customer_acted`, `too_late`.
    """

    saga: Saga
    state: SagaState
    reason: str
    attention_reason: str | None
    calls: Sequence[StepRow]
    history: Sequence[Mapping[str, Any]]
    stands: Sequence[Place]
    seconds: float

    def compensated(self) -> list[str]:
        """Return the steps that were taken back, in that order; a step with several items once."""
        back = [e["step"] for e in self.history if e["kind"] == "compensated"]
        return list(dict.fromkeys(back))


def simulate(
    saga: Saga,
    *faults: Fault,
    items: Iterable[str] = ("first", "second"),
    classes: Mapping[str, Idempotency] | None = None,
    seed: int = 0,
) -> Ending:
    """Run a saga until it is over or waits for a person; the same arguments give the same run.

    `items` are the calls of a step with `each`; `classes` says what a partner offers for repeated
    calls, by step or `step:item`.

    Raises:
        RunsForEver: it came to no end.
    """
    world = World(faults=faults, classes=classes or {})
    with twin_of(saga, world) as twin, _dice(seed), _silence():
        memory = started(twin, items)
        for _ in range(MOST_TURNS):
            _one_worker(memory, world)
            if memory.saga.state in FINAL or memory.attention_reason:
                return _ending(saga, memory, world)
            _until_something_is_due(memory, world)
    raise RunsForEver(f"{saga.name} is {memory.saga.state} after {MOST_TURNS} turns")


class _Worker(Worker):
    """The engine's worker, with rows in memory and without threads."""

    def __init__(self, memory: Memory, world: World) -> None:
        self.memory, self.world = memory, world
        self.work = MemoryWork(memory)
        self.link = None
        self.came = self.work.saga.direction

    def advance(self, direction: Direction | None = None) -> Progress:
        while not isinstance(turn := self.turn(), Progress):
            self._make(turn)
        return turn

    def _read_again(self) -> None:
        self.work = MemoryWork(self.memory)

    @contextmanager
    def _transaction(self) -> Iterator[Work]:
        yield self.work
        moves.save(self.work)

    def _apply(self, decision: Decision) -> Progress | Sequence[calls.Claim]:
        if isinstance(decision, Run) and self._customer_cancels(decision.rows[0]):
            self._read_again()
            return ()
        return super()._apply(decision)

    def _customer_cancels(self, call: StepRow) -> bool:
        if self.world.take({Kind.CANCEL}, *call.id) is None:
            return False
        work = MemoryWork(self.memory)
        if work.saga.state is not SagaState.RUNNING:
            self.memory.note("too_late")
            return False
        work.note("cancel_requested", actor="customer")
        work.move(cancel_requested_at=work.now, due_at=work.now)
        work.save()
        return True

    def _run_local(
        self, call: StepRow, operation: type, refusals: tuple[type[Exception], ...]
    ) -> None:
        """Do a local step: whatever the moment, a worker that dies before the commit leaves nothing."""
        self._die({Kind.CRASH_BEFORE_CALL, Kind.CRASH_AFTER_CALL}, call)
        super()._run_local(call, operation, refusals)
        self._die({Kind.CRASH_AFTER_RECORD}, call)

    def _make(self, claims: Sequence[calls.Claim]) -> None:
        """Make the calls side by side: their outcomes come in as long as each took."""
        rows = {claim.id: self.work.calls[claim.id] for claim in claims}
        for row in rows.values():
            self._die({Kind.CRASH_BEFORE_CALL}, row)
        answers = []
        for claim in claims:
            outcome = calls.outcome_of(claim)
            answers.append((self.world.took, claim, outcome))
        passed = 0.0
        for took, claim, outcome in sorted(answers, key=lambda answer: answer[0]):
            self.memory.pass_time(took - passed)
            passed = took
            self._die({Kind.CRASH_AFTER_CALL}, rows[claim.id])
            self.record(claim, outcome)
            self._die({Kind.CRASH_AFTER_RECORD}, rows[claim.id])

    def _die(self, kinds: set[Kind], call: StepRow) -> None:
        if fault := self.world.take(kinds, *call.id):
            self.memory.note("crashed", step=call.step, item=call.item, moment=fault.kind.value)
            raise _Died


def _one_worker(memory: Memory, world: World) -> None:
    with suppress(_Died):
        _Worker(memory, world).advance()


def _until_something_is_due(memory: Memory, world: World) -> None:
    """Let time pass until the saga is due, or the customer acts (of which a webhook tells)."""
    due_at = memory.saga.due_at or memory.now
    acts_at = world.acts_at(memory.now)
    if acts_at is None or acts_at >= due_at.timestamp():
        memory.now = max(memory.now, due_at)
        return
    memory.now = datetime.fromtimestamp(acts_at, tz=START.tzinfo) + timedelta(milliseconds=1)
    memory.note("customer_acted")
    work = MemoryWork(memory)
    for call in work.rows.all:
        if call.state is StepState.WAITING:
            work.change(call, due_at=work.now)
    work.note("woken")
    work.move(due_at=work.now)
    work.save()


def _ending(saga: Saga, memory: Memory, world: World) -> Ending:
    return Ending(
        saga=saga,
        state=memory.saga.state,
        reason=memory.saga.reason,
        attention_reason=memory.attention_reason,
        calls=memory.calls,
        history=memory.history,
        stands=tuple(world.stands),
        seconds=(memory.now - START).total_seconds(),
    )


@contextmanager
def _dice(seed: int) -> Iterator[None]:
    """Let the jitter of this run be the same each time."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what a worker logs about calls without answers out of the log: here they are meant."""
    logger = logging.getLogger("booking.orchestrator")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
