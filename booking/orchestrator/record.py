"""What an outcome changes: the second transaction of a call, fenced by its epoch."""

import random
from datetime import timedelta
from typing import Any, Final

from booking.orchestrator import operations, store
from booking.orchestrator.calls import (
    Absent,
    Answered,
    Claim,
    Failed,
    MustWait,
    Outcome,
    Phase,
    Refused,
)
from booking.orchestrator.models import SagaStep
from booking.orchestrator.operations import call_value, operation_of, step_of
from booking.orchestrator.plan import Pivot
from booking.orchestrator.shape import Direction, StepState
from booking.orchestrator.store import Locked
from outbound.call import Idempotency, Waiting

POLL_SECONDS: Final = 10.0
"""How often a waiting call is asked about, in case the processor's webhook never comes."""


def record(locked: Locked, claim: Claim, outcome: Outcome) -> bool:
    """Write an outcome, unless somebody has claimed the call since; return whether it was written."""
    call = next(call for call in locked.calls if call.pk == claim.step_id)
    if call.epoch != claim.epoch or call.state != StepState.CLAIMED:
        return False
    if claim.phase is Phase.VERIFY:
        return _verified(locked, call, claim, outcome)
    match outcome:
        case Answered(answer):
            return _answered(locked, call, claim, answer)
        case Absent():
            return _absent(locked, call, claim)
        case Refused(refusal):
            return _refused(locked, call, claim, refusal)
        case MustWait(waiting):
            return _waiting(locked, call, claim, waiting)
        case Failed(error, sent):
            return failed(locked, call, epoch=claim.epoch, error=error, sent=sent)


def _answered(locked: Locked, call: SagaStep, claim: Claim, answer: Any) -> bool:
    quiet = _needs_verifying(locked, call)
    changes: dict[str, Any] = {"state": StepState.DONE, "due_at": None}
    if quiet:
        due_at = locked.now + timedelta(seconds=call.quiet_seconds)
        changes = {"state": StepState.VERIFYING, "due_at": due_at, "tries": 0}
    result = store.as_json(answer)
    if not store.fenced_update(
        call, epoch=claim.epoch, result=result, error="", action=None, **changes
    ):
        return False
    claim.operation.record(answer, call_value(locked, call))
    locked.note(_done_word(call), call, probed=claim.phase is Phase.PROBE)
    return True


def _needs_verifying(locked: Locked, call: SagaStep) -> bool:
    """Whether an earlier request may still land after this compensation (no tombstone; classes B, C)."""
    if call.direction != Direction.COMPENSATE or call.idempotency == Idempotency.A:
        return False
    forward = locked.forward(call)
    return forward.ambiguous or forward.state != StepState.DONE


def _verified(locked: Locked, call: SagaStep, claim: Claim, outcome: Outcome) -> bool:
    if isinstance(outcome, Absent | Refused):
        locked.note("compensated", call, verified=True)
        return store.fenced_update(call, epoch=claim.epoch, state=StepState.DONE, due_at=None)
    if isinstance(outcome, Answered):
        locked.note("landed_late", call)
        return store.fenced_update(
            call, epoch=claim.epoch, state=StepState.PENDING, due_at=locked.now
        )
    error = outcome.error if isinstance(outcome, Failed) else "unexpected answer"
    due_at = locked.now + _backoff(locked, call)
    return store.fenced_update(
        call, epoch=claim.epoch, state=StepState.VERIFYING, due_at=due_at, error=_text(error)
    )


def _absent(locked: Locked, call: SagaStep, claim: Claim) -> bool:
    """Asked, the other side knows nothing: send again, with a new key only when that is safe."""
    quiet_until = operations.quiet_until(locked, call)
    quiet = locked.now >= quiet_until
    saves_errors = claim.operation.traits(claim.request).saves_errors
    # Where an error is saved under its key, repeating the key soon gets no further: wait for a new one.
    in_vain = saves_errors and call.tries > step_of(locked, call).retry.attempts // 2
    if (call.idempotency == Idempotency.C or in_vain) and not quiet:
        return store.fenced_update(
            call, epoch=claim.epoch, state=StepState.UNKNOWN, due_at=quiet_until
        )
    changes: dict[str, Any] = {"state": StepState.PENDING, "due_at": locked.now}
    if quiet and saves_errors:
        attempt = call.attempt + 1
        key = store.key_of(locked.saga.id, call.step, call.item, Direction(call.direction), attempt)
        changes |= {"attempt": attempt, "key": key, "ambiguous": False}
    locked.note("absent", call)
    return store.fenced_update(call, epoch=claim.epoch, **changes)


def _refused(locked: Locked, call: SagaStep, claim: Claim, refusal: Exception) -> bool:
    """A "no" at a pivot that nothing can annul counts only when no earlier request can land any more."""
    step = step_of(locked, call)
    definite = isinstance(step, Pivot) and step.annulled_by is None and call.ambiguous
    quiet_until = operations.quiet_until(locked, call)
    if definite and call.direction == Direction.FORWARD and locked.now < quiet_until:
        return store.fenced_update(
            call, epoch=claim.epoch, state=StepState.UNKNOWN, due_at=quiet_until
        )
    ambiguous = call.ambiguous and not definite
    return refused(locked, call, epoch=claim.epoch, refusal=refusal, ambiguous=ambiguous)


def refused(
    locked: Locked, call: SagaStep, *, epoch: int, refusal: Exception, ambiguous: bool = False
) -> bool:
    """Write a definite no; on a call that was unanswered before (`ambiguous`) it does not make it effect-free."""
    code = _text(getattr(refusal, "code", "refused"))
    if not store.fenced_update(
        call,
        epoch=epoch,
        state=StepState.REFUSED,
        ambiguous=ambiguous,
        reason=code[:120],
        error=_text(refusal),
        due_at=None,
        action=None,
    ):
        return False
    if call.direction == Direction.ANNUL:
        _ask_the_pivot_again(locked, call)
    operation = operation_of(step_of(locked, call), Direction(call.direction))()
    if hasattr(operation, "record_refusal"):
        operation.record_refusal(refusal, call_value(locked, call))
    locked.note("refused", call, code=code, message=_text(refusal))
    return True


def _ask_the_pivot_again(locked: Locked, annulment: SagaStep) -> None:
    """What cannot be annulled stands: the pivot's own "no" was wrong, and asking will say so."""
    pivot = locked.forward(annulment)
    store.fenced_update(pivot, epoch=pivot.epoch, state=StepState.UNKNOWN, due_at=locked.now)


def _waiting(locked: Locked, call: SagaStep, claim: Claim, waiting: Waiting) -> bool:
    first = call.action != waiting.action
    wait_until = call.wait_until or locked.now + timedelta(seconds=waiting.seconds)
    if not store.fenced_update(
        call,
        epoch=claim.epoch,
        state=StepState.WAITING,
        action=waiting.action,
        wait_until=wait_until,
        due_at=min(wait_until, locked.now + timedelta(seconds=POLL_SECONDS)),
        tries=0,
        ambiguous=True,
    ):
        return False
    if first and hasattr(claim.operation, "record_waiting"):
        claim.operation.record_waiting(waiting, call_value(locked, call))
    if first:
        locked.note("waiting", call, action=waiting.action)
    return True


def failed(
    locked: Locked, call: SagaStep, *, epoch: int, error: str, sent: bool, tries: int | None = None
) -> bool:
    """Write technical trouble: unknown if a request may have arrived, to be retried after a backoff.

    `tries` is given where no claim has counted this try.
    """
    unknown = sent or call.ambiguous or call.state not in {StepState.PENDING, StepState.CLAIMED}
    unknown = unknown or (call.state == StepState.CLAIMED and tries is not None)
    due_at = locked.now + _backoff(locked, call)
    if unknown and call.idempotency == Idempotency.C and call.sent_at:
        due_at = max(due_at, operations.quiet_until(locked, call))
    locked.note(
        "unknown" if unknown else "failed", call, error=_text(error), next_try_at=due_at.isoformat()
    )
    return store.fenced_update(
        call,
        epoch=epoch,
        state=StepState.UNKNOWN if unknown else StepState.PENDING,
        ambiguous=unknown,
        due_at=due_at,
        error=_text(error),
        tries=call.tries if tries is None else tries,
    )


def _text(value: object) -> str:
    """Return words that the database can store: no NUL, not endless."""
    return str(value).replace("\x00", "")[:2000]


def _backoff(locked: Locked, call: SagaStep) -> timedelta:
    retry = step_of(locked, call).retry
    dice = random.random()  # noqa: S311 - jitter, not a secret
    return timedelta(seconds=retry.delay(tries=call.tries, dice=dice))


def _done_word(call: SagaStep) -> str:
    return {
        Direction.FORWARD: "done",
        Direction.COMPENSATE: "compensated",
        Direction.ANNUL: "annulled",
    }[Direction(call.direction)]
