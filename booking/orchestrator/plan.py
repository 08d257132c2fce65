"""How a flow is declared: a saga is a table of links, a link is a table of steps.

The vocabulary follows Garcia-Molina and Salem, "Sagas" (1987), and Richardson, "Microservices
Patterns" (2018), chapter 4: steps before the *pivot* are compensatable, steps after it retriable.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec
from django.conf import settings

from booking.orchestrator.lint import PlanError, lint
from booking.orchestrator.shape import Kind, Shape, StepShape

ROOT: Final = Path(__file__).resolve().parent.parent.parent

Glue = Callable[..., Any]
"""Called with the subject's id as its only keyword; returns what a step is given (a dataclass)."""


def _learn_types_of(operation: type | None) -> None:
    """Let msgspec learn request and answer here: several threads must not do it at once (see shape.py)."""
    for phase in ("prepare", "call"):
        if hasattr(operation, phase):
            msgspec.json.Decoder(get_type_hints(getattr(operation, phase))["return"])


def minutes(number: float) -> float:
    """Return `number` minutes in seconds."""
    return number * 60.0


def _declared_at() -> str:
    """Return the place (`booking/sagas.py:14`) of the line that is declaring a step; "" if not ours."""
    frame = sys._getframe(3)
    path = Path(frame.f_code.co_filename).resolve()
    return f"{path.relative_to(ROOT)}:{frame.f_lineno}" if path.is_relative_to(ROOT) else ""


@dataclass(frozen=True)
class Retry:
    """How often a call is made, how long to pause in between (seconds), and after which errors.

    `attempts` counts probes too: an unanswered call is asked about before it is sent again. `first`
    is the longest pause after the first try; it doubles until `cap`. After an error that is not in
    `on` a call is not tried again: it counts as tried often enough.

    Raises:
        PlanError: the numbers make no sense.
    """

    attempts: int = 8
    first: float = field(default_factory=lambda: settings.SAGA_BACKOFF_SECONDS)
    cap: float = 60.0
    on: tuple[type[Exception], ...] = (Exception,)

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.attempts < 1 or not 0 <= self.first <= self.cap:
            raise PlanError(
                f"attempts={self.attempts} must be at least 1 (the first try counts), and the pauses "
                f"0 <= first={self.first:g} <= cap={self.cap:g}."
            )

    def ceiling(self, *, tries: int) -> float:
        """Return the longest pause after `tries` tries, in seconds."""
        return float(min(self.cap, self.first * 2 ** min(tries - 1, 16)))

    def delay(self, *, tries: int, dice: float) -> float:
        """Return the pause after `tries` tries, in seconds; `dice` is uniform in [0, 1).

        Full jitter, so that calls that failed together do not come back together. Source:
        "Exponential Backoff And Jitter", AWS Architecture Blog (2015).
        """
        return self.ceiling(tries=tries) * dice


@dataclass(frozen=True)
class Step:
    """One thing to do, beside what takes it back and who may say no.

    A step before the pivot has `compensate`, or says in `no_compensation` why nothing needs to be taken back.
    """

    name: str
    operation: type
    compensate: type | None = None
    refused_by: type[Exception] | tuple[type[Exception], ...] = ()
    given: Glue | None = None
    each: Glue | None = None
    retry: Retry = field(default_factory=Retry)
    no_compensation: str = ""
    source: str = field(init=False, default="", compare=False)

    def __post_init__(self) -> None:
        """Remember the line of the table that this step stands on."""
        object.__setattr__(self, "source", _declared_at())

    @property
    def local(self) -> bool:
        """Whether effect and record share one transaction (no network)."""
        return hasattr(self.operation, "apply")


@dataclass(frozen=True)
class Pivot(Step):
    """The point of no return: before it everything can be taken back, after it everything is finished.

    `annulled_by` cancels at the other side when it says no after an unanswered call: only then
    does the no count.
    """

    annulled_by: type | None = None


@dataclass(frozen=True)
class Link:
    """One link of the Celery chain: its steps share a message, never a transaction."""

    name: str
    steps: tuple[Step, ...]

    def __init__(self, name: str, *steps: Step) -> None:
        """Take the steps as they are listed in the table."""
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "steps", steps)


@dataclass(frozen=True)
class Saga:
    """A business flow as one table.

    `subject` is the keyword under which glue and hooks receive the subject's id; `deadline` in
    seconds counts until the pivot. `failed` and `cancelled` run in the transaction that closes the
    saga and take `(subject keyword, reason, at)`.

    Raises:
        PlanError: the table breaks a rule; the message says which and why it exists.
    """

    name: str
    version: int
    subject: str
    deadline: float
    links: list[Link]
    failed: Callable[..., None]
    cancelled: Callable[..., None]
    source: str = field(init=False, default="", compare=False)

    def __post_init__(self) -> None:
        """Check the table and make it findable by name."""
        lint(self)
        for step in self.steps.values():
            for operation in (step.operation, step.compensate, getattr(step, "annulled_by", None)):
                _learn_types_of(operation)
        object.__setattr__(self, "source", _declared_at())
        REGISTRY[self.name] = self

    @property
    def steps(self) -> dict[str, Step]:
        """All steps by name, in the order of the table."""
        return {step.name: step for link in self.links for step in link.steps}

    def about(self, subject_id: Any) -> Mapping[str, Any]:
        """Return the keyword that names the subject to glue and hooks."""
        return {self.subject: subject_id}

    def shape(self) -> Shape:
        """Return what an instance keeps of this table: names, order and kinds, no code."""
        steps, kind = [], Kind.BEFORE
        for link in self.links:
            for step in link.steps:
                kind = Kind.AFTER if kind is Kind.PIVOT else kind
                kind = Kind.PIVOT if isinstance(step, Pivot) else kind
                steps.append(
                    StepShape(
                        name=step.name,
                        link=link.name,
                        kind=kind,
                        attempts=step.retry.attempts,
                        compensated=step.compensate is not None,
                        annulled=getattr(step, "annulled_by", None) is not None,
                    )
                )
        return Shape(name=self.name, version=self.version, steps=tuple(steps))


REGISTRY: Final[dict[str, Saga]] = {}
"""Every declared saga by name; an instance finds its code here and its shape in its own row."""
