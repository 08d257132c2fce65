"""A claimed call and what becomes of it, as in `booking.orchestrator.calls`."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from booking.orchestrator.shape import Direction, StepState
from tests.model.outside import ABSENT, NO, TROUBLE, WAIT, YES
from tests.model.rows import CALL, LEASE, Instance, Row
from tests.model.world import OK, World


class Phase(StrEnum):
    """What is asked of the other side."""

    SEND = "send"
    PROBE = "probe"
    VERIFY = "verify"


class Outcome(StrEnum):
    """How it ended, as far as this worker knows."""

    ANSWERED = "answered"
    ABSENT = "absent"
    REFUSED = "refused"
    WAITING = "waiting"
    UNSENT = "unsent"
    FAILED = "failed"
    ERROR = "error"  # it was answered, with an error


@dataclass
class Claim:
    """A call that a worker has leased."""

    saga: Instance
    row: Row
    epoch: int
    phase: Phase
    at: int
    """When it was claimed: what is asked is asked later, what an answer tells may be older than its record."""
    not_after: int
    key: str


def claim(world: World, saga: Instance, row: Row) -> Claim:
    """Lease a call, as `store.claim` and `operations.prepare` do in the caller's transaction."""
    phase = phase_of(world, row)
    if phase is Phase.SEND:
        row.sent_at = world.clock
    if "new_key_on_retry" in world.broken and row.tries:
        row.attempt += 1
        row.key = world.key(saga, row.step, row.item, row.direction, row.attempt)
    if "no_sticky" not in world.broken and row.state in {StepState.CLAIMED, StepState.UNKNOWN}:
        row.ambiguous = True
    row.tries += 1
    row.epoch += 1
    if "no_intent" not in world.broken:
        row.state = StepState.CLAIMED
    row.lease_until = world.clock + (0 if "no_lease" in world.broken else LEASE)
    not_after = world.clock + LEASE - CALL
    return Claim(saga, row, row.epoch, phase, world.clock, not_after, row.key)


def phase_of(world: World, row: Row) -> Phase:
    """Return what to ask, given where a call stands before it is claimed."""
    if row.state is StepState.VERIFYING:
        return Phase.VERIFY
    if "blind_retry" in world.broken:
        return Phase.SEND
    if row.direction is Direction.FORWARD and row.state is not StepState.PENDING:
        return Phase.PROBE
    return Phase.SEND


def in_time(world: World, claim: Claim) -> bool:
    """Whether the call would end before the lease does."""
    return world.clock <= claim.not_after or "no_deadline" in world.broken


def make(world: World, claim: Claim) -> Outcome:
    """Make one call; choose what becomes of it."""
    name, effect = _effect(world, claim)
    word = world.word(name if claim.phase is Phase.SEND else "probe")
    outcome = _outcome(world, claim, word, effect)
    world.note(f"  {claim.phase} {name} {claim.row.item} [{claim.key}]: {word} -> {outcome}")
    return outcome


def _outcome(world: World, claim: Claim, word: str, effect: Callable[[], str]) -> Outcome:
    match word:
        case "no":
            return _no(world, claim, effect)
        case "wait":
            return _wait(world, effect)
        case "unsent":
            return Outcome.UNSENT
        case "saved":
            world.processor.saved[claim.key] = TROUBLE
            return Outcome.ERROR
        case "unanswered":
            effect()
        case "late":
            world.delay(effect)
        case word if word == OK:
            answer = effect()
            spent = answer == TROUBLE and claim.phase is Phase.SEND
            return Outcome.ERROR if spent else _read(answer)
    return Outcome.FAILED


def _read(answer: str) -> Outcome:
    return {
        YES: Outcome.ANSWERED,
        NO: Outcome.REFUSED,
        WAIT: Outcome.WAITING,
        ABSENT: Outcome.ABSENT,
        TROUBLE: Outcome.FAILED,
    }[answer]


def _no(world: World, claim: Claim, effect: Callable[[], str]) -> Outcome:
    """A no of the other side: but what it has done already it cannot deny."""
    processor, row = world.processor, claim.row
    if row.item:
        already = row.step == "book" and world.partners[row.item].orders.get(claim.key)
        return _read(effect()) if already else Outcome.REFUSED
    if row.step == "authorise" and processor.state in {"unconfirmed", "waiting"}:
        processor.state = "refused"
    elif row.step != "capture" or processor.state != "authorised":
        return _read(effect())
    if (
        row.step != "capture"
    ):  # a validation that failed is not saved: a late copy may still succeed
        processor.saved[claim.key] = NO
    return Outcome.REFUSED


def _wait(world: World, effect: Callable[[], str]) -> Outcome:
    if world.processor.state != "unconfirmed":
        return _read(effect())
    world.processor.state = "waiting"
    return Outcome.WAITING


def _effect(world: World, claim: Claim) -> tuple[str, Callable[[], str]]:
    """Return the operation's name and what it does outside when it arrives."""
    row, processor, key = claim.row, world.processor, claim.key
    if row.item:
        partner = world.partners[row.item]
        return _partner_effect(world, claim, partner.book, partner.look_up, partner.cancel)
    if row.direction is Direction.COMPENSATE:
        return "void", lambda: processor.void(key)
    if row.direction is Direction.ANNUL:
        return "annul", lambda: processor.annul(key)
    sends = {
        "authorise": processor.authorise,
        "capture": processor.capture,
        "refund": processor.refund,
    }
    probes = {
        "authorise": processor.authorisation,
        "capture": processor.captured,
        "refund": processor.refunded,
    }
    called = (sends if claim.phase is Phase.SEND else probes)[row.step]
    return row.step, lambda: called(key)


def _partner_effect(
    world: World,
    claim: Claim,
    book: Callable[[str], str],
    look_up: Callable[[str], str],
    cancel: Callable[[str], str],
) -> tuple[str, Callable[[], str]]:
    row = claim.row
    if row.step == "cancel":  # the flow that cancels: probing is cancelling again
        key = world.order_keys.get(row.item, "")
        return "cancel", lambda: cancel(key)
    original = claim.saga.forward(row).key
    if claim.phase is Phase.VERIFY or (claim.phase is Phase.PROBE):
        return "book", lambda: look_up(original)
    if row.direction is Direction.COMPENSATE:
        return "cancel", lambda: cancel(original)
    return "book", lambda: book(claim.key)
