"""The rules of a saga table, checked at import, with messages that teach."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from django.conf import settings

if TYPE_CHECKING:
    from booking.orchestrator.plan import Saga, Step

LONGEST_NAME: Final = 64
"""What the columns of names can store."""

PHASES: Final = ("prepare", "call", "probe", "record", "traits")


class PlanError(Exception):
    """A saga table breaks a rule."""


def lint(saga: Saga) -> None:
    """Check the rules of a saga table.

    Raises:
        PlanError: a rule is broken.
    """
    steps = [step for link in saga.links for step in link.steps]
    _has_something_to_do(saga)
    _is_storable([saga.name, *(step.name for step in steps)], saga)
    _unique([step.name for step in steps], "step", saga)
    _unique([link.name for link in saga.links], "link", saga)
    pivots = [index for index, step in enumerate(steps) if hasattr(step, "annulled_by")]
    if len(pivots) > 1:
        raise PlanError(
            f"{saga.name}: at most one pivot, not {_names([steps[i] for i in pivots])}: "
            "there is only one point of no return."
        )
    pivot = pivots[0] if pivots else len(steps)
    for step in steps[:pivot]:
        _has_a_way_back(step, saga)
    for step in steps[pivot:]:
        _has_no_way_back(step, saga)
    for step in steps:
        _has_its_code(step, saga)
    _fits_the_deadline(steps[:pivot], saga)


def worst_case(step: Step) -> float:
    """Return how many seconds a step may take when every try but the last fails: calls and backoffs.

    Legs go side by side, so that a step with `each` takes as long as its slowest leg. Not counted is
    what a customer takes to act, and the quiet period of a partner that must not be asked too soon.
    """
    call = 0.0 if step.local else settings.SAGA_CALL_SECONDS
    pauses = sum(step.retry.ceiling(tries=tries) for tries in range(1, step.retry.attempts))
    return float(step.retry.attempts * call + pauses)


def _has_something_to_do(saga: Saga) -> None:
    if empty := [link.name for link in saga.links if not link.steps]:
        raise PlanError(
            f"{saga.name}: link {empty[0]!r} has no steps; it would be an empty message."
        )
    if not saga.links:
        raise PlanError(f"{saga.name}: a saga needs at least one link with a step.")
    if saga.version < 1 or saga.deadline <= 0:
        raise PlanError(
            f"{saga.name}: version={saga.version} counts from 1 and deadline={saga.deadline:g} is in "
            "seconds after the start, so both must be positive."
        )


def _is_storable(names: list[str], saga: Saga) -> None:
    for name in names:
        if not 0 < len(name) <= LONGEST_NAME:
            raise PlanError(
                f"{saga.name}: the name {name!r} must have 1 to {LONGEST_NAME} characters, it is stored."
            )


def _unique(names: list[str], what: str, saga: Saga) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise PlanError(
            f"{saga.name}: {what} names must be unique, they are stored: {', '.join(twice)}."
        )


def _has_a_way_back(step: Step, saga: Saga) -> None:
    if step.compensate is None and not step.no_compensation.strip():
        raise PlanError(
            f"{saga.name}: step {step.name!r} stands before the pivot, so it needs compensate=…: "
            "until the pivot everything must be reversible. If it leaves nothing to take back, say "
            'why: no_compensation="it only reads".'
        )
    if step.compensate is not None and step.no_compensation:
        raise PlanError(
            f"{saga.name}: step {step.name!r} has compensate=… and no_compensation=…: only one can be true."
        )


def _has_no_way_back(step: Step, saga: Saga) -> None:
    if step.compensate is not None or step.no_compensation:
        raise PlanError(
            f"{saga.name}: step {step.name!r} is the pivot or stands after it, so compensate=… "
            "would never run: from the pivot on the flow only goes forward."
        )


def _has_its_code(step: Step, saga: Saga) -> None:
    for operation in (step.operation, step.compensate, getattr(step, "annulled_by", None)):
        if operation is not None:
            _has_its_phases(operation, step, saga)
    declared = step.refused_by if isinstance(step.refused_by, tuple) else (step.refused_by,)
    if wrong := [
        no
        for no in (*declared, *step.retry.on)
        if not (isinstance(no, type) and issubclass(no, Exception))
    ]:
        raise PlanError(
            f"{saga.name}: step {step.name!r}: refused_by=… and retry on=… name exceptions, not {wrong[0]!r}."
        )


def _has_its_phases(operation: type, step: Step, saga: Saga) -> None:
    if hasattr(operation, "apply"):
        return
    if missing := [name for name in PHASES if not hasattr(operation, name)]:
        raise PlanError(
            f"{saga.name}: {operation.__name__} of step {step.name!r} is neither local (apply) nor "
            f"remote: it lacks {', '.join(missing)}."
        )


def _fits_the_deadline(steps: list[Step], saga: Saga) -> None:
    """Check that every step before the pivot can use up its tries: a deadline that cuts them off hides faults."""
    needed = sum(worst_case(step) for step in steps)
    if needed > saga.deadline:
        parts = ", ".join(f"{step.name} {worst_case(step):g} s" for step in steps)
        raise PlanError(
            f"{saga.name}: until the pivot it may take {needed:g} s ({parts}: tries times "
            f"SAGA_CALL_SECONDS plus the longest backoffs), but its deadline is {saga.deadline:g} s. "
            "Allow fewer attempts, shorter calls or backoffs, or a later deadline."
        )


def _names(steps: list[Step]) -> str:
    return ", ".join(repr(step.name) for step in steps)
