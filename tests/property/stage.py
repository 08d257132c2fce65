"""What the state machine holds in its hands: the clock, the outside, the queue, and the moment of death."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import connection

from booking import tasks
from booking.orchestrator import calls, control, engine, operations, sweeper, work
from booking.orchestrator.shape import Direction
from outbound import http
from outbound.call import Idempotency, NotSent
from providers.gateways.protocol import NewOrder
from tests.model.outside import Partner, Processor

CALL_SECONDS: Final = 20.0
QUIET_SECONDS: Final = 30.0


class Died(BaseException):
    """A worker was killed here."""


@dataclass(frozen=True)
class Message:
    """What is left of a chain: the saga, its direction, and the links."""

    saga_id: UUID
    direction: Direction
    links: tuple[str, ...]


@dataclass
class Stage:
    """One example's world. `words` are the answers to come, by operation; "ok" when there are none."""

    words: dict[str, list[str]] = field(default_factory=dict)
    partners: dict[str, Partner] = field(default_factory=dict)
    """By our reference: the reservation and the leg."""
    orders: dict[str, NewOrder] = field(default_factory=dict)
    processors: dict[str, Processor] = field(default_factory=dict)
    """By the payment's id at the processor."""
    refunds: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each payment: key -> amount."""
    late: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    queue: list[Message] = field(default_factory=list)
    dies_in: int = 0
    """The worker is killed at so many doors from now; 0: it is not."""
    timed_out: bool = False

    def word(self, operation: str) -> str:
        """Take the next answer for an operation."""
        coming = self.words.get(operation)
        return coming.pop(0) if coming else "ok"

    def door(self) -> None:
        """Die here, if this is the door."""
        if self.dies_in:
            self.dies_in -= 1
            if not self.dies_in:
                raise Died

    def partner(self, reference: str, idempotency: Idempotency) -> Partner:
        """Return the ledger of one leg."""
        return self.partners.setdefault(reference, Partner(idempotency))

    def speak(self, operation: str, effect: Callable[[], str]) -> str:
        """Let a request arrive, or not, or later; return the answer.

        Raises:
            NotSent, http.NoAnswer: as the network does.
        """
        match self.word(operation):
            case "unsent":
                raise NotSent("connection refused")
            case "lost":
                self.timed_out = True
                raise http.NoAnswer("timed out")
            case "unanswered":
                effect()
                self.timed_out = True
                raise http.NoAnswer("timed out")
            case "late":
                self.late.append((clock.now + CALL_SECONDS + QUIET_SECONDS / 3 - 1, effect))
                self.timed_out = True
                raise http.NoAnswer("timed out")
            case "no":
                return "no"
        return effect()

    def land(self, *, by: float) -> None:
        """Let late requests take effect that land by a time at the latest."""
        for at, effect in [late for late in self.late if late[0] <= by]:
            self.late.remove((at, effect))
            effect()


class Clock:
    """The database's clock and the processes' monotonic one, moved together, ahead only (seconds)."""

    def __init__(self) -> None:
        """Begin now."""
        self.offset = 0.0

    @property
    def now(self) -> float:
        """Return seconds since an arbitrary moment."""
        return time.monotonic() + self.offset

    def monotonic(self) -> float:
        """Stand in for `time.monotonic`."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass; what lands meanwhile lands."""
        stage().land(by=self.now + seconds)
        self.offset += seconds
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('booking.clock_offset', %s, false)", [f"{self.offset} seconds"]
            )


clock: Final = Clock()
_STAGES: Final[list[Stage]] = [Stage()]


def stage() -> Stage:
    """Return the current example's stage."""
    return _STAGES[-1]


def new_stage() -> Stage:
    """Begin another example."""
    _STAGES[:] = [Stage()]
    return stage()


def make(claims: Sequence[calls.Claim]) -> Iterator[tuple[calls.Claim, calls.Outcome]]:
    """Make the calls as `calls.make` does, but one after the other in this thread, with doors between."""
    outcomes = []
    for claim in claims:
        stage().door()
        outcomes.append((claim, calls.outcome_of(claim)))
    if stage().timed_out:
        stage().timed_out = False
        clock.advance(CALL_SECONDS)
    for claim, outcome in outcomes:
        stage().door()
        yield claim, outcome


class InlineSweeper(sweeper.Sweeper):
    """The real sweeper; what it would run in a thread it runs here."""

    def _run_here(self, saga_id: UUID) -> None:
        engine.advance(saga_id)


def dispatch(saga_id: UUID) -> bool:
    """Put what a saga has left to do into the queue, as `tasks.dispatch` does."""
    direction, links = control.remaining_links(saga_id)
    if links:
        stage().queue.append(Message(saga_id, direction, tuple(links)))
    return True


class _Save:
    """`Work.save` with a door before it: whoever dies there has committed nothing."""

    real = work.Work.save

    @staticmethod
    def save(self: work.Work) -> None:
        stage().door()
        _Save.real(self)


@contextmanager
def taken_over() -> Iterator[None]:
    """Take clock, calls, queue and doors into the machine's hands."""
    before = [
        (module, name, getattr(module, name))
        for module, name in (
            (work, "time"), (operations, "time"), (calls, "time"), (calls, "make"),
            (tasks, "dispatch"), (work.Work, "save"),
        )
    ]  # fmt: skip
    for module in (work, operations, calls):
        module.time = clock  # type: ignore[attr-defined]
    calls.make = make
    tasks.dispatch = dispatch
    work.Work.save = _Save.save  # type: ignore[method-assign]
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        clock.offset = 0.0
