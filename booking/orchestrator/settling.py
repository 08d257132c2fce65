"""What a person who knows better says of a call: it happened, it did not, or its loss is borne."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from functools import partial
from typing import Any, Final

import msgspec

from booking.orchestrator import operations, store
from booking.orchestrator.shape import SETTLED, Direction, SagaState, StepRow, StepState
from booking.orchestrator.work import Work


class NotResolvable(Exception):
    """There is no such call, or it can still settle itself: retry the saga instead."""

    code = "call_not_resolvable"


class Turned(NotResolvable):
    """The saga goes the other way: what was seen of the call is not what would be settled."""

    code = "saga_turned"


_RESOLVED: Final = {
    SagaState.RUNNING: {StepState.DONE, StepState.REFUSED, StepState.ACCEPTED},
    SagaState.PIVOTING: {StepState.DONE, StepState.REFUSED, StepState.ACCEPTED},
    SagaState.FINISHING: {StepState.DONE, StepState.ACCEPTED},
    SagaState.COMPENSATING: {StepState.DONE, StepState.ACCEPTED},
}
"""How a person can settle a call, by the state of its saga."""


_FROM_THE_PIVOT_ON: Final = frozenset({SagaState.PIVOTING, SagaState.FINISHING})


def resolvable(
    work: Work, step: str, item: str, direction: Direction | None, outcome: StepState
) -> StepRow:
    """Return the call that only a person can settle.

    Without a `direction` it is the only open one of step and item, so that no other can be meant.

    Raises:
        Turned: meanwhile the saga goes the other way.
        NotResolvable: there is none, or not in this way, or two are open.
    """
    meant = direction or _only_open(work, step, item)
    if meant is not work.saga.direction:
        raise Turned(f"the saga is {work.saga.state}: look again at what {step} {item} waits for")
    if outcome not in _RESOLVED[work.saga.state]:
        raise NotResolvable(
            f"a call of a saga that is {work.saga.state} is not resolved as {outcome}"
        )
    for call in for_a_person(work):
        if call.id == (step, item, meant):
            return call
    raise NotResolvable(f"no call of {step} {item} waits for a person".replace("  ", " "))


def _only_open(work: Work, step: str, item: str) -> Direction:
    waiting = for_a_person(work)
    found = {
        call.direction
        for call in work.rows.all
        if (call.step, call.item) == (step, item)
        and call.direction is not Direction.ANNUL
        and (call.state not in SETTLED or call in waiting)
    }
    if len(found) > 1:
        raise NotResolvable(f"{step} {item} is open in both directions: say which is meant")
    return next(iter(found), work.saga.direction)


def outcomes(state: SagaState) -> list[StepState]:
    """Return how a person can settle a call of a saga in this state; not at all once it is over."""
    return sorted(_RESOLVED.get(state, ()))


def for_a_person(work: Work) -> list[StepRow]:
    """Return the calls that only a person can settle, in the direction in which the saga goes."""
    return [
        call
        for call in work.rows.all
        if call.direction is work.saga.direction and _only_a_person_can(work, call)
    ]


def _only_a_person_can(work: Work, call: StepRow) -> bool:
    if call.state in SETTLED:
        turned = work.saga.state is not SagaState.RUNNING
        return turned and call.state in {StepState.PARKED, StepState.REFUSED}
    if call.never_resend and (
        call.ambiguous or call.state in {StepState.CLAIMED, StepState.UNKNOWN}
    ):
        return True
    # From the pivot on: tried often enough, and at another side, so that a person can look there.
    worn = call.worn(work.shape.step(call.step).attempts) and not call.live(work.now)
    return worn and bool(call.idempotency) and work.saga.state in _FROM_THE_PIVOT_ON


def settle(
    work: Work, call: StepRow, outcome: StepState, answer: Mapping[str, Any] | None
) -> StepRow:
    """Settle a call as a person says; return it as it is now.

    Raises:
        NotResolvable: `answer` is none to this call, or does not hold what only the other side can tell.
    """
    # Before the pivot a loss cannot be borne: what did not happen turns the flow back.
    turns = work.saga.state is SagaState.RUNNING and outcome is StepState.ACCEPTED
    if call.state is StepState.CLAIMED:
        # Whoever made it has died; what it still hears must not be written over this.
        call = work.settle(call, state=StepState.UNKNOWN, ambiguous=True)
        work.save()
    if turns or outcome is StepState.REFUSED:
        return _did_not_happen(work, call)
    call = work.settle(call, state=outcome, due_at=None)
    if outcome is StepState.DONE:
        _take(work, call, answer or {})
    return call


def facts_needed(work: Work, call: StepRow) -> list[str]:
    """Return what must be told of a call that is done: what follows from nothing that is known.

    Raises:
        NotResolvable: it is a step of our own database, or the deployed code lacks it.
    """
    operation = _operation(work, call)
    known = _known(call, operation)
    answer = operations.type_of(operation, "call")
    return [fact.name for fact in fields(answer) if _is_open(fact) and fact.name not in known]


def _take(work: Work, call: StepRow, told: Mapping[str, Any]) -> None:
    """Take what a person was told, and what follows from its being done, as the answer to a call."""
    operation = _operation(work, call)
    if missing := [fact for fact in facts_needed(work, call) if not told.get(fact)]:
        raise NotResolvable(f"the answer to {call.step} must hold: {', '.join(missing)}")
    answer = _answer(call, operation, told)
    work.settle(call, result=store.as_json(answer))
    work.afterwards(partial(operation().record, answer, operations.call_value(work, call)))


def _answer(call: StepRow, operation: type, told: Mapping[str, Any]) -> Any:
    kind = operations.type_of(operation, "call")
    if strange := sorted(told.keys() - {fact.name for fact in fields(kind)}):
        raise NotResolvable(f"the answer to {call.step} holds no {', '.join(strange)}")
    asked = call.request or {}
    if other := [fact for fact in told if fact in asked and told[fact] != asked[fact]]:
        raise NotResolvable(f"{call.step} was asked for with another {', '.join(sorted(other))}")
    try:
        return msgspec.convert({**_known(call, operation), **told}, kind)
    except msgspec.ValidationError as error:
        raise NotResolvable(f"this is no answer to {call.step}: {error}") from error


def _known(call: StepRow, operation: type) -> dict[str, Any]:
    return {**(call.request or {}), **getattr(operation, "assumed", {})}


def _is_open(fact: Field[Any]) -> bool:
    return fact.default is MISSING and fact.default_factory is MISSING


def _operation(work: Work, call: StepRow) -> type:
    """Return the remote operation of a call, by which what became of it is recorded."""
    try:
        operation = operations.operation_of(operations.step_of(work, call), call.direction)
    except operations.CodeMissing as error:
        raise NotResolvable(f"deploy the code first: {error}") from error
    if not hasattr(operation, "record"):
        raise NotResolvable(f"{call.step} is a step of our own: repair its cause and retry")
    return operation


def _did_not_happen(work: Work, call: StepRow) -> StepRow:
    """Let a call count as refused; a pivot that can be annulled is annulled first, unless a person has.

    What a person has seen to is not compensated either.
    """
    annulment = work.calls.get((call.step, call.item, Direction.ANNUL))
    if annulment is not None and annulment.state is not StepState.DONE:
        work.settle(annulment, state=StepState.DONE, due_at=None)
    return work.settle(
        call,
        state=StepState.REFUSED,
        due_at=None,
        reason=call.reason or "refused",
        ambiguous=call.ambiguous and work.shape.step(call.step).annulled,
    )
