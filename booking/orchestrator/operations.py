"""From a stored call to the service's operation and back: which code, which request, which phase."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, get_type_hints

import msgspec
from django.conf import settings

from booking.orchestrator.calls import Claim, Phase
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.plan import REGISTRY, Pivot, Saga, Step
from booking.orchestrator.shape import Direction, Shape, StepRow, StepState
from booking.orchestrator.store import as_json
from booking.orchestrator.work import Work
from eventbus.context import Context, correlated
from outbound.call import Call, Idempotency, Original, Pause


class CodeMissing(Exception):
    """A live saga needs a flow, a step or a compensation that the deployed code lacks."""


def shape_of(saga: SagaInstance) -> Shape:
    """Return the plan that an instance runs on: its own snapshot."""
    return msgspec.convert(saga.plan, Shape)


def saga_of(work: Work) -> Saga:
    """Return the code of an instance's saga.

    Raises:
        CodeMissing: the deployed code has no saga of this name.
    """
    try:
        return REGISTRY[work.saga.name]
    except KeyError:
        raise CodeMissing(f"no saga is named {work.saga.name!r}") from None


def step_of(work: Work, call: StepRow) -> Step:
    """Return the code of a call's step.

    Raises:
        CodeMissing: the deployed code has no step of this name.
    """
    try:
        return saga_of(work).steps[call.step]
    except KeyError:
        raise CodeMissing(f"saga {work.saga.name!r} has no step {call.step!r}") from None


def operation_of(step: Step, direction: Direction) -> type:
    """Return the operation that a step runs in a direction.

    Raises:
        CodeMissing: the step has none.
    """
    operation: type | None = step.operation
    if direction is Direction.COMPENSATE:
        operation = step.compensate
    elif direction is Direction.ANNUL:
        operation = step.annulled_by if isinstance(step, Pivot) else None
    if operation is None:
        raise CodeMissing(f"step {step.name!r} has nothing to {direction}")
    return operation


def refusals_of(step: Step, direction: Direction) -> tuple[type[Exception], ...]:
    """Return the exceptions that are a definite no in a direction."""
    if direction is Direction.FORWARD:
        declared = step.refused_by
        return declared if isinstance(declared, tuple) else (declared,)
    return tuple(getattr(operation_of(step, direction), "refused_by", ()))


def call_value(work: Work, call: StepRow) -> Call:
    """Return a stored call as its operation sees it."""
    original = None
    if call.direction != Direction.FORWARD:
        forward = work.forward(call)
        if forward.request is not None:
            original = Original(key=forward.key, request=forward.request, result=forward.result)
    return Call(
        saga_id=work.saga.id,
        subject_id=work.saga.subject_id,
        step=call.step,
        item=call.item,
        key=call.key,
        attempt=call.attempt,
        now=work.now,
        given=call.given,
        original=original,
        seconds=settings.SAGA_CALL_SECONDS,
    )


def circumstances(work: Work) -> AbstractContextManager[Context]:
    """Let events that a saga publishes carry the correlation of the request that started it."""
    saga = work.saga
    return correlated(
        correlation_id=saga.correlation_id or None, traceparent=saga.traceparent or None
    )


def phase_of(call: StepRow) -> Phase:
    """Return what to ask the other side, given where the call stands before it is claimed."""
    if call.state == StepState.VERIFYING:
        return Phase.VERIFY
    if call.direction == Direction.FORWARD and call.state != StepState.PENDING:
        return Phase.PROBE
    return Phase.SEND


def pause_of(work: Work, call: StepRow) -> Pause | None:
    """Return how long the other side of a call is to be left alone; None: call it."""
    operation = operation_of(step_of(work, call), call.direction)()
    asked: Pause | None = None
    if hasattr(operation, "pause"):
        asked = operation.pause(call_value(work, call))
    return asked


def prepare(work: Work, call: StepRow) -> Claim:
    """Claim a call: tries + 1, epoch + 1, a lease; the first time with its request, which a retry repeats.

    An unanswered call that is claimed again becomes ambiguous.

    Raises:
        Refusal: the service says no before anything is sent.
    """
    step, direction, phase = step_of(work, call), Direction(call.direction), phase_of(call)
    operation = operation_of(step, direction)()
    value = call_value(work, call)
    if call.request is None:
        request = operation.prepare(value)
        traits = operation.traits(request)
        call = work.change(
            call,
            request=as_json(request),
            idempotency=traits.idempotency.value,
            never_resend=traits.idempotency is Idempotency.D,
            quiet_seconds=traits.quiet_seconds,
        )
    else:
        request = msgspec.convert(call.request, type_of(operation.__class__, "prepare"))
    call = work.change(
        call,
        ambiguous=call.ambiguous or call.state in {StepState.CLAIMED, StepState.UNKNOWN},
        state=StepState.CLAIMED,
        tries=call.tries + 1,
        epoch=call.epoch + 1,
        lease_until=work.now + timedelta(seconds=settings.SAGA_LEASE_SECONDS),
        sent_at=work.now if phase is Phase.SEND else call.sent_at,
    )
    if phase is Phase.VERIFY:
        operation, request, value = _forward_probe(work, step, call)
    return Claim(
        id=call.id,
        epoch=call.epoch,
        phase=phase,
        operation=operation,
        request=request,
        call=value,
        retry_on=step.retry.on,
        refused_by=refusals_of(step, Direction.FORWARD if phase is Phase.VERIFY else direction),
        not_after=time.monotonic() + settings.SAGA_LEASE_SECONDS - settings.SAGA_CALL_SECONDS,
    )


def _forward_probe(work: Work, step: Step, call: StepRow) -> tuple[Any, Any, Call]:
    forward = work.forward(call)
    request = msgspec.convert(forward.request, type_of(step.operation, "prepare"))
    return step.operation(), request, call_value(work, forward)


@cache
def type_of(operation: type, phase: str) -> Any:
    """Return the type that a phase of an operation is annotated to return."""
    return get_type_hints(getattr(operation, phase))["return"]


def quiet_until(work: Work, call: StepRow) -> datetime:
    """Return when an earlier request of a call can no longer take effect.

    It may have been on its way until the end of its lease, and the quiet period starts then.
    """
    seconds = settings.SAGA_LEASE_SECONDS + call.quiet_seconds
    return (call.sent_at or work.now) + timedelta(seconds=seconds)


def abandon(work: Work, call: StepRow) -> None:
    """Let an operation give back what its preparation locked, when the call surely had no effect."""
    operation = operation_of(step_of(work, call), Direction.FORWARD)()
    if call.request is not None and hasattr(operation, "abandon"):
        operation.abandon(call_value(work, call))


def given_to(step: Step, ask: Callable[[Callable[..., Any]], Any]) -> dict[str, Mapping[str, Any]]:
    """Ask the flow's glue what each call of a step is given: item -> JSON-ready data ("" = the only one)."""
    if step.each is not None:
        return {str(item): as_json(value) or {} for item, value in ask(step.each).items()}
    return {"": (as_json(ask(step.given)) or {}) if step.given is not None else {}}
