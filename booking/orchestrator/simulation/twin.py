"""A flow whose services are replaced by the simulated world: the same table, other operations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from booking.orchestrator.plan import REGISTRY, Link, Pivot, Saga, Step
from booking.orchestrator.shape import Direction
from booking.orchestrator.simulation.world import SaidNo, World
from outbound.call import Call, Traits


@dataclass(frozen=True)
class Asked:
    """What is asked of the simulated world."""

    step: str
    item: str


@dataclass(frozen=True)
class Said:
    """What it answers."""

    key: str


class _Remote:
    """A call to the simulated world."""

    world: ClassVar[World]
    direction: ClassVar[Direction]
    refused_by: ClassVar[tuple[type[Exception], ...]] = (SaidNo,)

    def prepare(self, call: Call) -> Asked:
        """Ask for the step and item."""
        return Asked(call.step, call.item)

    def traits(self, request: Asked) -> Traits:
        """Say what the partner offers."""
        return self.world.traits(request.step, request.item)

    def call(self, request: Asked, call: Call) -> Said:
        """Have the effect."""
        self.world.ask(call, self.direction)
        return Said(call.key)

    def probe(self, request: Asked, call: Call) -> Said | None:
        """Say what became of an earlier call."""
        return Said(call.key) if self.world.look_up(call) else None

    def record(self, answer: Said, call: Call) -> None:
        """Write nothing."""


class _Local:
    """A local step in the simulated world."""

    world: ClassVar[World]
    direction: ClassVar[Direction]
    refused_by: ClassVar[tuple[type[Exception], ...]] = (SaidNo,)

    def apply(self, call: Call) -> None:
        """Have the effect."""
        self.world.ask(call, self.direction)


@contextmanager
def twin_of(saga: Saga, world: World) -> Iterator[Saga]:
    """Declare a flow's twin for the length of a run: the engine finds flows by their names."""
    twin = replace(
        saga,
        name=f"~{saga.name}"[:64],
        links=[
            Link(link.name, *(_step(step, world) for step in link.steps)) for link in saga.links
        ],
        failed=_closed,
        cancelled=_closed,
    )
    try:
        yield twin
    finally:
        del REGISTRY[twin.name]


def _step(step: Step, world: World) -> Step:
    changes: dict[str, Any] = {
        "operation": _operation(step.operation, Direction.FORWARD, world),
        "refused_by": SaidNo,
    }
    if step.compensate is not None:
        changes["compensate"] = _operation(step.compensate, Direction.COMPENSATE, world)
    if isinstance(step, Pivot) and step.annulled_by is not None:
        changes["annulled_by"] = _operation(step.annulled_by, Direction.ANNUL, world)
    return replace(step, **changes)


def _operation(original: type, direction: Direction, world: World) -> type:
    kind = _Local if hasattr(original, "apply") else _Remote
    return type(original.__name__, (kind,), {"world": world, "direction": direction})


def _closed(**about: Any) -> None:
    """Close nothing."""
