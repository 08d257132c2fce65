"""A flow, or one run of it, as boxes: what every picture of it is drawn from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from booking.orchestrator.drawing import Line, table
from booking.orchestrator.plan import Saga
from booking.orchestrator.shape import Direction, Kind, Shape, StepState


@dataclass(frozen=True)
class Look:
    """How a state is shown: never by colour alone, so that print and every eye can tell."""

    icon: str
    fill: str
    line: str


LOOKS: Final[dict[str, Look]] = {
    "": Look("", "#ffffff", "#475569"),
    StepState.PENDING: Look("·", "#f8fafc", "#64748b"),
    StepState.CLAIMED: Look("▸", "#dbeafe", "#1d4ed8"),
    StepState.UNKNOWN: Look("?", "#fef3c7", "#92400e"),
    StepState.WAITING: Look("…", "#e0e7ff", "#4338ca"),
    StepState.VERIFYING: Look("↻", "#cffafe", "#0e7490"),
    StepState.DONE: Look("✓", "#dcfce7", "#166534"),
    StepState.REFUSED: Look("✗", "#fee2e2", "#b91c1c"),
    StepState.PARKED: Look("!", "#fecaca", "#7f1d1d"),
    StepState.ACCEPTED: Look("≈", "#f3e8ff", "#6b21a8"),
}
"""By a call's state; "" is a flow that nobody runs. Text is dark on each of them."""

_WORST_FIRST: Final = (
    StepState.PARKED,
    StepState.REFUSED,
    StepState.UNKNOWN,
    StepState.WAITING,
    StepState.VERIFYING,
    StepState.CLAIMED,
    StepState.PENDING,
    StepState.ACCEPTED,
    StepState.DONE,
)


_LENGTH_OF_AN_ID: Final = 36


class CallLike(Protocol):
    """A call, from whichever side it comes: the API's progress, a row, a simulation."""

    @property
    def step(self) -> str: ...
    @property
    def item(self) -> str: ...
    @property
    def direction(self) -> str: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One call in a box: what for, and where it stands."""

    item: str
    state: str

    @property
    def words(self) -> str:
        """What is shown: icon, item (an id by its first part) and state."""
        item = self.item.partition("-")[0] if len(self.item) == _LENGTH_OF_AN_ID else self.item
        return " ".join(part for part in (LOOKS[self.state].icon, item, self.state) if part)


@dataclass(frozen=True, kw_only=True)
class Box:
    """A step with its compensation; `marks` and `back` are empty in the picture of a flow."""

    link: str
    step: str
    operation: str
    compensate: str
    pivot: bool
    each: bool
    marks: Sequence[Mark]
    back: Sequence[Mark]

    @property
    def state(self) -> str:
        """The state that matters most among its calls."""
        return _worst(self.marks)

    @property
    def back_state(self) -> str:
        """The same of its compensations."""
        return _worst(self.back)


def boxes_of(shape: Shape, saga: Saga | None, calls: Iterable[CallLike] = ()) -> list[Box]:
    """Return the boxes of a plan, with the names of today's code (None: it no longer has this flow)."""
    named = {} if saga is None else {line.step: line for line in table(saga).lines}
    every = list(calls)
    return [
        _box(step.name, step.link, step.kind is Kind.PIVOT, step.compensated, named.get(step.name), every)
        for step in shape.steps
    ]  # fmt: skip


def _box(
    step: str, link: str, pivot: bool, compensated: bool, line: Line | None, calls: list[CallLike]
) -> Box:
    return Box(
        link=link,
        step=step,
        operation=line.operation if line else "",
        compensate=(line.compensate if line else "compensation") if compensated else "",
        pivot=pivot,
        each=line.each if line else False,
        marks=_marks(step, Direction.FORWARD, calls),
        back=_marks(step, Direction.COMPENSATE, calls),
    )


def _marks(step: str, direction: Direction, calls: list[CallLike]) -> list[Mark]:
    mine = [call for call in calls if (call.step, call.direction) == (step, direction)]
    return [Mark(item=call.item, state=call.state) for call in mine]


def _worst(marks: Sequence[Mark]) -> str:
    states = {mark.state for mark in marks}
    return next((state.value for state in _WORST_FIRST if state in states), "")
