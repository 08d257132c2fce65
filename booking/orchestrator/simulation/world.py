"""The outside world of a simulated run: it keeps what was done to it, and answers as the faults say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings

from booking.orchestrator.shape import Direction
from booking.orchestrator.simulation.faults import NEVER, Fault, Kind
from outbound.call import Call, Idempotency, NotSent, Refusal, Traits, Waiting

Place = tuple[str, str]
"""A step and an item."""

QUICK: Final = 0.1
"""How long a call takes that is answered, in seconds."""


class Silence(Exception):
    """No answer came."""


class SaidNo(Refusal):
    """The simulated other side said no."""


@dataclass
class World:
    """What stands at the other side, and what will go wrong there.

    `classes` says what a partner offers for repeated calls, by step or `step:item` (A where nothing is
    said). `took` is how long the last call was, in seconds.
    """

    faults: Iterable[Fault] = ()
    classes: Mapping[str, Idempotency] = field(default_factory=dict)
    quiet_seconds: float = 30.0
    stands: list[Place] = field(default_factory=list)
    took: float = 0.0

    def __post_init__(self) -> None:
        """Count how often each fault may still happen."""
        self._left: list[tuple[Fault, int]] = [(fault, fault.times) for fault in self.faults]
        self._acts_at: dict[Place, float] = {}

    def take(
        self, kinds: Iterable[Kind], step: str, item: str, direction: Direction
    ) -> Fault | None:
        """Return the first fault of these kinds that hits a call now, and count it."""
        wanted = frozenset(kinds)
        for index, (fault, left) in enumerate(self._left):
            if left and fault.kind in wanted and fault.hits(step, item, direction):
                self._left[index] = (fault, left - 1)
                return fault
        return None

    def traits(self, step: str, item: str) -> Traits:
        """Say what the partner of a call offers."""
        offered = self.classes.get(f"{step}:{item}", self.classes.get(step, Idempotency.A))
        return Traits(idempotency=Idempotency(offered), quiet_seconds=self.quiet_seconds)

    def ask(self, call: Call, direction: Direction) -> None:
        """Have the effect of a call, or not, and answer, or not."""
        place, self.took = (call.step, call.item), QUICK
        fault = self.take(_OF_CALLS, *place, direction)
        if fault is not None and fault.kind is Kind.WAIT:
            self._wait(fault, call)
        elif fault is not None and fault.kind is not Kind.UNANSWERED:
            self._fail(fault)
        if direction is Direction.FORWARD:
            self.stands += [] if place in self.stands else [place]
        else:
            self.stands = [standing for standing in self.stands if standing != place]
        if fault is not None and fault.kind is Kind.UNANSWERED:
            self._fail(fault)

    def look_up(self, call: Call) -> bool:
        """Say whether the effect of a forward call stands."""
        place, self.took = (call.step, call.item), QUICK
        for kind in (Kind.UNREACHABLE, Kind.WAIT):
            fault = self.take({kind}, *place, Direction.FORWARD)
            if fault is not None and kind is Kind.WAIT:
                self._wait(fault, call)
                self.stands += [] if place in self.stands else [place]
            elif fault is not None:
                self._fail(fault)
        return place in self.stands

    def acts_at(self, now: datetime) -> float | None:
        """Return when the customer acts next (a timestamp), if at all."""
        coming = [at for at in self._acts_at.values() if now.timestamp() < at < NEVER]
        return min(coming, default=None)

    def _wait(self, fault: Fault, call: Call) -> None:
        acts_at = self._acts_at.setdefault(
            (call.step, call.item), call.now.timestamp() + fault.seconds
        )
        if call.now.timestamp() < acts_at:
            raise Waiting({"simulated": "the customer must act"}, seconds=600)

    def _fail(self, fault: Fault) -> None:
        if fault.kind is Kind.REFUSE:
            raise SaidNo("simulated")
        if fault.kind is Kind.UNREACHABLE:
            raise NotSent("simulated")
        self.took = settings.SAGA_CALL_SECONDS
        raise Silence("simulated")


_OF_CALLS: Final = (Kind.REFUSE, Kind.LOST, Kind.UNANSWERED, Kind.UNREACHABLE, Kind.WAIT)
