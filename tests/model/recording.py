"""What an outcome changes: the second transaction of a call, fenced, as in `booking.orchestrator.record`."""

from booking.orchestrator.shape import TIMED_OUT, Direction, Kind, StepState
from outbound.call import Idempotency
from tests.model import moves
from tests.model.calls import Claim, Outcome, Phase
from tests.model.rows import BACKOFF, CUSTOMER, LEASE, POLL, Instance, Row
from tests.model.world import PROCESSOR, World


def record(world: World, claim: Claim, outcome: Outcome) -> None:
    """Write an outcome, unless somebody has claimed the call since."""
    row = claim.row
    lost_its_claim = row.epoch != claim.epoch or row.state is not StepState.CLAIMED
    if lost_its_claim and not world.broken & {"no_fence", "no_intent"}:
        world.note(f"  fenced: {row}")
        return
    if claim.saga.over:
        world.violated("a service's row was written after the end")
    row.lease_until = None
    if claim.phase is Phase.VERIFY:
        _verified(world, claim, outcome)
    else:
        _write(world, claim, outcome)
    world.note(f"  recorded: {row}")
    moves.save(world, claim.saga)


def _write(world: World, claim: Claim, outcome: Outcome) -> None:
    saga, row = claim.saga, claim.row
    match outcome:
        case Outcome.ANSWERED:
            _answered(world, saga, row)
        case Outcome.ABSENT:
            _absent(world, claim)
        case Outcome.REFUSED:
            _refused(world, claim)
        case Outcome.WAITING:
            _waiting(world, claim)
        case Outcome.UNSENT | Outcome.FAILED | Outcome.ERROR:
            row.spent = row.spent or outcome is Outcome.ERROR
            failed(world, row, sent=outcome is not Outcome.UNSENT)


def _answered(world: World, saga: Instance, row: Row) -> None:
    row.state, row.due_at = StepState.DONE, None
    if row.direction is Direction.COMPENSATE and row.idempotency is not Idempotency.A:
        forward = saga.forward(row)
        sent_again = forward.ambiguous and row.idempotency is not Idempotency.D
        doubtful = sent_again or forward.state is not StepState.DONE
        if doubtful and "no_verify" not in world.broken:
            row.state, row.due_at, row.tries = StepState.VERIFYING, world.clock + row.quiet, 0
    if row.step == "book" and row.direction is Direction.FORWARD:
        world.order_keys[row.item] = row.key


def _verified(world: World, claim: Claim, outcome: Outcome) -> None:
    row = claim.row
    if outcome in {Outcome.ABSENT, Outcome.REFUSED}:
        row.state, row.due_at = StepState.DONE, None
    elif outcome is Outcome.ANSWERED:
        row.state, row.due_at = StepState.PENDING, world.clock
    else:
        row.state, row.due_at = StepState.VERIFYING, world.clock + BACKOFF


def quiet_until(world: World, row: Row) -> int:
    """Return when an earlier request of a call can no longer take effect."""
    sent_at: int = world.clock if row.sent_at is None else row.sent_at
    return sent_at + LEASE + row.quiet


def _quiet(world: World, claim: Claim) -> bool:
    """Whether no earlier request could land any more when the question was put."""
    at = world.clock if "quiet_when_recorded" in world.broken else claim.at
    return at >= quiet_until(world, claim.row)


def _absent(world: World, claim: Claim) -> None:
    saga, row, quiet = claim.saga, claim.row, _quiet(world, claim)
    rotates = world.broken & {"changes_unspent_keys", "new_key_too_early"}
    spent = row.step in PROCESSOR and (row.spent or bool(rotates))
    in_vain = spent and row.tries > saga.shape.step(row.step).attempts // 2
    careful = row.idempotency is Idempotency.C and "no_resend_quiet" not in world.broken
    if (careful or in_vain) and not quiet:
        row.state, row.due_at = StepState.UNKNOWN, quiet_until(world, row)
        return
    row.state, row.due_at = StepState.PENDING, world.clock
    if (quiet or "new_key_too_early" in world.broken) and spent:
        row.attempt += 1
        row.key = world.key(saga, row.step, row.item, row.direction, row.attempt)
        row.ambiguous = row.spent = False


def _refused(world: World, claim: Claim) -> None:
    """A no at a pivot that nothing can annul counts only when no earlier request can land any more."""
    saga, row = claim.saga, claim.row
    step = saga.shape.step(row.step)
    definite = step.kind is Kind.PIVOT and not step.annulled and row.ambiguous
    forward = row.direction is Direction.FORWARD
    if definite and forward and not _quiet(world, claim):
        row.state, row.due_at = StepState.UNKNOWN, quiet_until(world, row)
        return
    row.state, row.reason, row.due_at = StepState.REFUSED, "refused", None
    row.ambiguous = row.ambiguous and not definite and "no_sticky" not in world.broken
    if row.direction is Direction.ANNUL:  # the pivot's own no was wrong, and asking will say so
        pivot = saga.forward(row)
        pivot.state, pivot.due_at, pivot.lease_until = StepState.UNKNOWN, world.clock, None


def _waiting(world: World, claim: Claim) -> None:
    row = claim.row
    row.wait_until = row.wait_until or world.clock + CUSTOMER
    row.state, row.tries, row.ambiguous = StepState.WAITING, 0, True
    row.reason = TIMED_OUT if claim.at >= row.wait_until else ""
    row.due_at = min(row.wait_until, world.clock + POLL)


def failed(world: World, row: Row, *, sent: bool) -> None:
    """Write technical trouble: unknown if a request may have arrived."""
    unknown = sent or row.ambiguous or row.state not in {StepState.PENDING, StepState.CLAIMED}
    due_at = world.clock + BACKOFF
    careful = row.idempotency is Idempotency.C and "no_resend_quiet" not in world.broken
    if unknown and careful and row.sent_at is not None:
        due_at = max(due_at, quiet_until(world, row))
    row.state = StepState.UNKNOWN if unknown else StepState.PENDING
    row.ambiguous, row.due_at = unknown and "no_sticky" not in world.broken, due_at
    if unknown and "timeout_is_failure" in world.broken:
        row.state, row.ambiguous, row.due_at = StepState.REFUSED, False, None
    if row.direction is Direction.COMPENSATE and "gives_up" in world.broken:
        row.state, row.due_at = StepState.DONE, None
