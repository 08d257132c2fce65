"""The rules of a saga table, checked at import, with messages that teach."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booking.orchestrator.plan import Saga, Step


class PlanError(Exception):
    """A saga table breaks a rule."""


def lint(saga: Saga) -> None:
    """Check the rules of a saga table.

    Raises:
        PlanError: a rule is broken.
    """
    steps = [step for link in saga.links for step in link.steps]
    _unique([step.name for step in steps], "step", saga)
    _unique([link.name for link in saga.links], "link", saga)
    pivots = [index for index, step in enumerate(steps) if hasattr(step, "annulled_by")]
    if len(pivots) > 1:
        raise PlanError(f"{saga.name}: at most one pivot; there is only one point of no return.")
    pivot = pivots[0] if pivots else len(steps)
    for step in steps[:pivot]:
        _has_a_way_back(step, saga)
    for step in steps[pivot:]:
        _has_no_way_back(step, saga)
    for step in steps:
        _has_its_phases(step.operation, step, saga)
        if step.compensate is not None:
            _has_its_phases(step.compensate, step, saga)


def _unique(names: list[str], what: str, saga: Saga) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise PlanError(
            f"{saga.name}: {what} names must be unique, they are stored: {', '.join(twice)}."
        )


def _has_a_way_back(step: Step, saga: Saga) -> None:
    if step.compensate is None:
        raise PlanError(
            f"{saga.name}: step {step.name!r} stands before the pivot, so it needs compensate=…: "
            "until the pivot everything must be reversible."
        )


def _has_no_way_back(step: Step, saga: Saga) -> None:
    if step.compensate is not None:
        raise PlanError(
            f"{saga.name}: step {step.name!r} is the pivot or stands after it, so compensate=… "
            "would never run: from the pivot on the flow only goes forward."
        )


def _has_its_phases(operation: type, step: Step, saga: Saga) -> None:
    if hasattr(operation, "apply"):
        return
    if missing := [n for n in ("prepare", "call", "probe", "record") if not hasattr(operation, n)]:
        raise PlanError(
            f"{saga.name}: {operation.__name__} of step {step.name!r} is neither local (apply) nor "
            f"remote: it lacks {', '.join(missing)}."
        )
