"""Is it safe to deploy this code? Live sagas run on their own plan; the code must still have every step of it.

It must also still read what their calls have stored: a type with a new required field does not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args, get_type_hints
from uuid import UUID

import msgspec

from booking.orchestrator import operations, store
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.plan import REGISTRY, Pivot, Saga, Step
from booking.orchestrator.shape import (
    FINAL,
    OVER,
    Direction,
    SagaState,
    StepRow,
    StepShape,
)
from booking.orchestrator.work import Work

CHUNK: Final = 200
_BACK: Final = (Direction.COMPENSATE, Direction.ANNUL)


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Something that a live saga needs and this code lacks."""

    saga_id: UUID
    name: str
    version: int
    what: str


def missing() -> list[Missing]:
    """Return what live sagas need and the code lacks; empty means that it can be deployed."""
    live = SagaInstance.objects.filter(finished_at=None).order_by("created_at")
    ids = list(live.values_list("pk", flat=True))
    return [
        lack
        for start in range(0, len(ids), CHUNK)
        for lack in _missing_to(ids[start : start + CHUNK])
    ]


def _missing_to(saga_ids: Sequence[UUID]) -> Iterator[Missing]:
    try:
        works = store.read_several(saga_ids)
    except msgspec.ValidationError as error:
        yield from _missing_to_each(saga_ids, error)
        return
    for work in (works[saga_id] for saga_id in saga_ids if saga_id in works):
        if work.saga.state not in FINAL:
            for what in _lacks(work):
                yield Missing(
                    saga_id=work.saga.id,
                    name=work.saga.name,
                    version=work.shape.version,
                    what=what,
                )


def _missing_to_each(saga_ids: Sequence[UUID], error: Exception) -> Iterator[Missing]:
    """Find out which of several sagas it is whose rows or plan cannot be read."""
    if len(saga_ids) > 1:
        for saga_id in saga_ids:
            yield from _missing_to([saga_id])
        return
    [saga] = SagaInstance.objects.filter(pk__in=saga_ids)
    what = f"types that read its rows and plan: {error}"
    yield Missing(saga_id=saga.pk, name=saga.name, version=saga.version, what=what)


def _lacks(work: Work) -> Iterable[str]:
    code = REGISTRY.get(work.saga.name)
    if code is None:
        return [f"saga {work.saga.name!r}"]
    steps = [what for step in work.shape.steps if (what := _lack(code, step))]
    # What a step needs that is not there at all cannot be read either: it is said once.
    return steps or dict.fromkeys(_unreadable(work, code))


def _lack(code: Saga, needed: StepShape) -> str:
    step = code.steps.get(needed.name)
    if step is None:
        return f"step {needed.name!r}"
    if needed.compensated and step.compensate is None:
        return f"the compensation of step {needed.name!r}"
    if needed.annulled and (not isinstance(step, Pivot) or step.annulled_by is None):
        return f"the annulment of step {needed.name!r}"
    return ""


def _unreadable(work: Work, code: Saga) -> Iterator[str]:
    """Say which stored values the code's types do not take."""
    steps = code.steps
    for call in work.rows.all:
        for field, stored, kind in _still_read(work, call, steps[call.step]):
            try:
                msgspec.convert(stored, kind)
            except msgspec.ValidationError as error:
                named = f"{call.step!r} {call.item}".rstrip()
                yield f"a type that reads the {call.direction} {field} of step {named}: {error}"


def _still_read(work: Work, call: StepRow, step: Step) -> Iterator[tuple[str, Any, Any]]:
    """Return (field, what is stored, the code's type of it) for whatever of a call can be read again."""
    made_again, taken_back = _can_be_made(work, call), _can_be_taken_back(work, call)
    if call.request is not None and (made_again or taken_back):
        operation = operations.operation_of(step, call.direction)
        yield "request", call.request, operations.type_of(operation, "prepare")
    if call.result is not None and taken_back:
        phase = "apply" if step.local else "call"
        yield "result", call.result, operations.type_of(step.operation, phase)
    if call.given and made_again:
        yield "given", call.given, _type_of_given(step)


def _can_be_made(work: Work, call: StepRow) -> bool:
    """Whether a call is still to be made, asked about or, by a person, tried again."""
    turned = work.saga.state is SagaState.COMPENSATING and call.direction is Direction.FORWARD
    return call.state not in OVER and not turned


def _can_be_taken_back(work: Work, call: StepRow) -> bool:
    """Whether a compensation or annulment that is not over, or that may come, reads a forward call."""
    shape = work.shape.step(call.step)
    back = (work.calls.get((call.step, call.item, direction)) for direction in _BACK)
    return (
        call.direction is Direction.FORWARD
        and work.saga.state is not SagaState.FINISHING
        and (shape.compensated or shape.annulled)
        and call.may_have_had_an_effect()
        and all(one is None or one.state not in OVER for one in back)
    )


def _type_of_given(step: Step) -> Any:
    """Return the type of what the flow's glue gives one call of a step."""
    glue = step.each or step.given
    told = get_type_hints(glue).get("return", Any) if glue else Any
    # `each` returns item -> what its call is given.
    return (get_args(told) or (Any,))[-1] if step.each else told
