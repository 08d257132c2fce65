"""What an outcome changes: the call's row, the history, and what the service writes if the fence matches."""

import random
from datetime import timedelta
from functools import partial
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
from booking.orchestrator.operations import call_value, operation_of, step_of
from booking.orchestrator.shape import NOT_RETRIED, TIMED_OUT, Direction, Kind, StepRow, StepState
from booking.orchestrator.work import Work
from outbound.call import Idempotency, Pause, Waiting

POLL_SECONDS: Final = 10.0
"""How often a waiting call is asked about, in case the processor's webhook never comes."""

_DONE: Final = {
    Direction.FORWARD: "done",
    Direction.COMPENSATE: "compensated",
    Direction.ANNUL: "annulled",
}


def is_awaited(work: Work, claim: Claim) -> bool:
    """Whether nobody has claimed the call again, or given it up, since this claim."""
    call = work.calls[claim.id]
    return call.epoch == claim.epoch and call.state is StepState.CLAIMED


def record(work: Work, claim: Claim, outcome: Outcome) -> None:
    """Take in the outcome of a call that is awaited."""
    call = work.calls[claim.id]
    if not isinstance(outcome, Failed) and hasattr(claim.operation, "record_contact"):
        work.afterwards(partial(claim.operation.record_contact, call_value(work, call)))
    if claim.phase is Phase.VERIFY:
        _verified(work, call, outcome)
        return
    match outcome:
        case Answered(answer):
            _answered(work, call, claim, answer)
        case Absent():
            _absent(work, call, claim)
        case Refused(refusal):
            _refused(work, call, claim, refusal)
        case MustWait(waiting):
            _waiting(work, call, claim, waiting)
        case Failed():
            _failed(work, call, claim, outcome)


def done(work: Work, call: StepRow, answer: Any, **fields: Any) -> StepRow:
    """Note that a call is done."""
    call = work.settle(
        call,
        **{
            "state": StepState.DONE,
            "due_at": None,
            "result": store.as_json(answer),
            "error": "",
            "action": None,
            **fields,
        },
    )
    work.note(_DONE[call.direction], call)
    return call


def _answered(work: Work, call: StepRow, claim: Claim, answer: Any) -> None:
    work.afterwards(partial(claim.operation.record, answer, call_value(work, call)))
    if not _needs_verifying(work, call):
        done(work, call, answer)
        return
    due_at = work.now + timedelta(seconds=call.quiet_seconds)
    done(work, call, answer, state=StepState.VERIFYING, due_at=due_at, tries=0)


def _needs_verifying(work: Work, call: StepRow) -> bool:
    """Whether an earlier request may still land after this compensation (no tombstone).

    Class D is sent one request only: once that is known to be done, nothing is left that could land.
    """
    if call.direction != Direction.COMPENSATE or call.idempotency == Idempotency.A:
        return False
    forward = work.forward(call)
    sent_again = forward.ambiguous and call.idempotency != Idempotency.D
    return sent_again or forward.state != StepState.DONE


def _verified(work: Work, call: StepRow, outcome: Outcome) -> None:
    if isinstance(outcome, Absent | Refused):
        work.note(
            "compensated", work.settle(call, state=StepState.DONE, due_at=None), verified=True
        )
    elif isinstance(outcome, Answered):
        work.note("landed_late", work.settle(call, state=StepState.PENDING, due_at=work.now))
    else:
        error = outcome.error if isinstance(outcome, Failed) else "unexpected answer"
        due_at = work.now + _backoff(work, call, call.tries)
        work.settle(call, state=StepState.VERIFYING, due_at=due_at, error=_text(error))


def _absent(work: Work, call: StepRow, claim: Claim) -> None:
    """Asked, the other side knows nothing: send again, with a new key only when that is safe."""
    quiet_until = operations.quiet_until(work, call)
    # Judged by the time of asking: until its answer is recorded, an older request may have landed.
    quiet = claim.call.now >= quiet_until
    # Under its key the other side repeats the error that it answered: only a new key gets further. Without
    # such an answer the key is kept for ever, so that a sender that slept does nothing twice.
    spent = call.spent and claim.operation.traits(claim.request).saves_errors
    in_vain = spent and call.tries > step_of(work, call).retry.attempts // 2
    if (call.idempotency == Idempotency.C or in_vain) and not quiet:
        work.settle(call, state=StepState.UNKNOWN, due_at=quiet_until)
        return
    changes: dict[str, Any] = {"state": StepState.PENDING, "due_at": work.now}
    work.note("absent", call)
    if quiet and spent:
        attempt = call.attempt + 1
        key = store.key_of(work.saga.id, call.step, call.item, call.direction, attempt)
        changes |= {"attempt": attempt, "key": key, "ambiguous": False, "spent": False}
    work.settle(call, **changes)


def _refused(work: Work, call: StepRow, claim: Claim, refusal: Exception) -> None:
    """A "no" at a pivot that nothing can annul counts only when no earlier request can land any more."""
    step = work.shape.step(call.step)
    definite = step.kind is Kind.PIVOT and not step.annulled and call.ambiguous
    quiet_until = operations.quiet_until(work, call)
    if definite and call.direction is Direction.FORWARD and claim.call.now < quiet_until:
        work.settle(call, state=StepState.UNKNOWN, due_at=quiet_until)
        return
    refused(work, call, refusal=refusal, ambiguous=call.ambiguous and not definite)


def refused(work: Work, call: StepRow, *, refusal: Exception, ambiguous: bool = False) -> None:
    """Take in a definite no; on a call that was unanswered before (`ambiguous`) it does not make it effect-free."""
    code = _text(getattr(refusal, "code", "refused"))
    operation = operation_of(step_of(work, call), call.direction)()
    if hasattr(operation, "record_refusal"):
        work.afterwards(partial(operation.record_refusal, refusal, call_value(work, call)))
    call = work.settle(
        call,
        state=StepState.REFUSED,
        ambiguous=ambiguous,
        reason=code[:120],
        error=_text(refusal),
        due_at=None,
        action=None,
    )
    work.note("refused", call, code=code, message=_text(refusal))
    if call.direction is Direction.ANNUL:
        # What cannot be annulled stands: the pivot's own "no" was wrong, and asking will say so.
        work.settle(work.forward(call), state=StepState.UNKNOWN, due_at=work.now)


def _waiting(work: Work, call: StepRow, claim: Claim, waiting: Waiting) -> None:
    """Wait for the customer until `wait_until`; who acts in the last moment is seen by one last question."""
    first = call.action != waiting.action
    wait_until = call.wait_until or work.now + timedelta(seconds=waiting.seconds)
    value = call_value(work, call)
    call = work.settle(
        call,
        state=StepState.WAITING,
        action=waiting.action,
        wait_until=wait_until,
        reason=TIMED_OUT if claim.call.now >= wait_until else "",
        due_at=min(wait_until, work.now + timedelta(seconds=POLL_SECONDS)),
        tries=0,
        ambiguous=True,
    )
    if first and hasattr(claim.operation, "record_waiting"):
        work.afterwards(partial(claim.operation.record_waiting, waiting, value))
    if first:
        work.note("waiting", call, action=waiting.action)


def _failed(work: Work, call: StepRow, claim: Claim, outcome: Failed) -> None:
    if not outcome.ours and hasattr(claim.operation, "record_failure"):
        value = call_value(work, call)
        work.afterwards(partial(claim.operation.record_failure, outcome.error, value))
    call = work.change(call, spent=call.spent or outcome.answered)
    failed(work, call, error=outcome.error, sent=outcome.sent, again=outcome.again)


def failed(
    work: Work,
    call: StepRow,
    *,
    error: str,
    sent: bool,
    again: bool = True,
    tries: int | None = None,
) -> None:
    """Take technical trouble in: unknown if a request may have arrived, to be retried after a backoff.

    Without `again` it is not retried (but a pivot that may have arrived is always asked about).
    `tries` is given where no claim has counted this try.
    """
    unknown = sent or call.ambiguous or call.state not in {StepState.PENDING, StepState.CLAIMED}
    unknown = unknown or (call.state is StepState.CLAIMED and tries is not None)
    again = again or (unknown and work.shape.step(call.step).kind is Kind.PIVOT)
    made = call.tries if tries is None else tries
    due_at = work.now + (_backoff(work, call, made) if again else timedelta(0))
    if again and unknown and call.idempotency == Idempotency.C and call.sent_at:
        due_at = max(due_at, operations.quiet_until(work, call))
    call = work.settle(
        call,
        state=StepState.UNKNOWN if unknown else StepState.PENDING,
        ambiguous=unknown,
        due_at=due_at,
        reason=call.reason if again else NOT_RETRIED,
        error=_text(error),
        tries=made,
    )
    coming = {"next_try_at": due_at.isoformat()} if again else {}
    work.note("unknown" if unknown else "failed", call, error=call.error, **coming)


def postponed(work: Work, call: StepRow, pause: Pause) -> None:
    """Put a call off that is not to be made now; one whose worker died is unanswered meanwhile.

    Of a series for one reason only the first is noted.
    """
    lost = call.state is StepState.CLAIMED
    work.settle(
        call,
        state=StepState.UNKNOWN if lost else call.state,
        ambiguous=call.ambiguous or lost,
        due_at=pause.until,
    )
    kind, detail = work.last_told(call)
    if lost or (kind, detail.get("reason")) != ("postponed", pause.why):
        work.note("postponed", call, reason=pause.why, until=pause.until.isoformat())


def _text(value: object) -> str:
    """Return words that the database can store: no NUL, not endless."""
    return str(value).replace("\x00", "")[:2000]


def _backoff(work: Work, call: StepRow, tries: int) -> timedelta:
    retry = step_of(work, call).retry
    dice = random.random()  # noqa: S311 - jitter, not a secret
    return timedelta(seconds=retry.delay(tries=tries, dice=dice))
