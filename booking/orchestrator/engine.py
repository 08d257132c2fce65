"""Apply what `decide` says: the only way a saga moves, whoever asks (Celery, sweeper, webhook, CLI).

A transaction records at most one effect. The network is called between transactions, never inside.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from booking.orchestrator import calls, moves, operations, record, store
from booking.orchestrator.decide import (
    Annul,
    Close,
    Enter,
    GiveUp,
    Nothing,
    Park,
    Run,
    Sleep,
    decide,
)
from booking.orchestrator.models import SagaStep
from booking.orchestrator.shape import Direction, StepState
from booking.orchestrator.store import Locked
from outbound.call import Refusal

logger = logging.getLogger(__name__)


class Progress(StrEnum):
    """What became of one link's message."""

    PASSED = "passed"  # this link is done: the chain goes on
    STOPPED = "stopped"  # nothing to do now: the chain ends, the sweeper resumes
    TURNED = "turned"  # the saga turned back: dispatch the chain of compensations


class _LocalTrouble(Exception):
    """A local step or a preparation failed; its transaction is rolled back before this is recorded."""

    def __init__(self, call: SagaStep, error: Exception) -> None:
        super().__init__(str(error))
        self.call = call
        self.error = error


@dataclass(frozen=True)
class _Claimed:
    claims: Sequence[calls.Claim]


class _Again:
    """Something was committed: decide anew."""


def advance(
    saga_id: UUID, *, link: str | None = None, direction: Direction | None = None
) -> Progress:
    """Take a saga as far as it goes now: within `link`, or (None) through all of them.

    Trouble with the database is raised: nothing was recorded, the sweeper comes back. Any other
    error that is not an outcome of a call parks the saga, where a person sees it.

    Raises:
        SagaNotFound: no such saga.
    """
    while True:
        try:
            turn = _turn(saga_id, link, direction)
        except _LocalTrouble as trouble:
            _record_trouble(saga_id, trouble)
            continue
        except (OperationalError, InterfaceError, store.SagaNotFound):
            raise
        except Exception as error:
            logger.exception("saga %s parked", saga_id)
            moves.park(saga_id, f"{type(error).__name__}: {error}")
            return Progress.STOPPED
        if isinstance(turn, Progress):
            return turn
        if isinstance(turn, _Claimed):
            for claim, outcome in calls.make(turn.claims):
                _record(saga_id, claim, outcome)


def _turn(
    saga_id: UUID, link: str | None, direction: Direction | None
) -> Progress | _Claimed | _Again:
    """One transaction: decide and apply until something is claimed, done locally, or there is nothing to do."""
    with transaction.atomic():
        locked = store.lock(saga_id)
        with operations.circumstances(locked):
            if direction is not None and direction is not moves.direction_of(locked.saga):
                return Progress.STOPPED
            came = moves.direction_of(locked.saga)
            while True:
                turn = _apply(locked, link, came)
                if turn is not None:
                    return turn


def _apply(
    locked: Locked, link: str | None, came: Direction
) -> Progress | _Claimed | _Again | None:
    """Apply one decision; None means that another can be taken in the same transaction."""
    decision = decide(locked.saga_row(), locked.rows(), locked.shape, locked.now)
    match decision:
        case Run():
            if link is not None and moves.direction_of(locked.saga) is not came:
                return Progress.TURNED
            return _run(locked, decision, link)
        case Enter() | Annul() | GiveUp():
            moves.go_on(locked, decision)
            return None
        case Sleep(until):
            moves.sleep(locked, until)
        case Park(reason):
            moves.stop(locked, "parked", reason=reason, attention_reason=reason)
        case Close(state):
            moves.close(locked, state)
        case Nothing():
            pass
    return Progress.STOPPED


def _run(locked: Locked, decision: Run, link: str | None) -> Progress | _Claimed | _Again | None:
    if link is not None and decision.link != link:
        return Progress.PASSED if _follows(locked, decision.link, link) else Progress.STOPPED
    due = [locked.call(row) for row in decision.rows]
    step = operations.step_of(locked, due[0])
    operation = operations.operation_of(step, Direction(due[0].direction))
    if hasattr(operation, "apply"):
        return _run_local(locked, due[0], operation)
    return _claim(locked, due)


def _follows(locked: Locked, current: str, link: str) -> bool:
    """Whether the saga's current link comes after the message's, in the saga's direction."""
    order = locked.shape.links
    ahead = order.index(current) - order.index(link)
    return ahead > 0 if moves.direction_of(locked.saga) is Direction.FORWARD else ahead < 0


def _run_local(locked: Locked, call: SagaStep, operation: type) -> _Again | None:
    """Do a local step: effect and record in this one transaction."""
    value = operations.call_value(locked, call)
    try:
        answer = operation().apply(value)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        raise _LocalTrouble(call, error) from error
    store.fenced_update(
        call,
        epoch=call.epoch,
        state=StepState.DONE,
        tries=call.tries + 1,
        result=store.as_json(answer),
        due_at=None,
    )
    locked.note("done" if call.direction == Direction.FORWARD else "compensated", call)
    locked.save(due_at=moves.soon(locked))
    return _Again()


def _claim(locked: Locked, due: list[SagaStep]) -> _Claimed | None:
    """Lease all due calls of a step in one transaction; a refusal before sending sends none of them."""
    claims = []
    for call in due:
        try:
            claims.append(operations.prepare(locked, call))
        except Refusal as refusal:
            record.refused(locked, call, epoch=call.epoch, refusal=refusal)
            locked.save(due_at=moves.soon(locked))
            return None
        except (operations.CodeMissing, OperationalError, InterfaceError):
            raise
        except Exception as error:
            raise _LocalTrouble(call, error) from error
    store.claim(locked, due, lease_seconds=settings.SAGA_LEASE_SECONDS)
    locked.save(due_at=moves.soon(locked))
    return _Claimed(claims)


def _record(saga_id: UUID, claim: calls.Claim, outcome: calls.Outcome) -> None:
    """Record an outcome; one that cannot be recorded is unknown: probed, and in the end seen by a person."""
    try:
        _write(saga_id, claim, outcome)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("%s could not be recorded", claim.call.key)
        unrecorded = f"recording failed: {type(error).__name__}: {error}"
        _write(saga_id, claim, calls.Failed(unrecorded))


def _write(saga_id: UUID, claim: calls.Claim, outcome: calls.Outcome) -> None:
    with transaction.atomic():
        locked = store.lock(saga_id)
        with operations.circumstances(locked):
            if not record.record(locked, claim, outcome):
                logger.warning("fenced: %s answered after it was claimed again", claim.call.key)
                return
            locked.save(due_at=moves.soon(locked))


def _record_trouble(saga_id: UUID, trouble: _LocalTrouble) -> None:
    """Record the refusal or failure of a local step (or of a preparation) whose transaction is rolled back."""
    with transaction.atomic():
        locked = store.lock(saga_id)
        call = next(call for call in locked.calls if call.pk == trouble.call.pk)
        if call.epoch != trouble.call.epoch or call.state != trouble.call.state:
            return
        with operations.circumstances(locked):
            refused_by = operations.refusals_of(
                operations.step_of(locked, call), Direction(call.direction)
            )
            if isinstance(trouble.error, refused_by):
                record.refused(locked, call, epoch=call.epoch, refusal=trouble.error)
            else:
                error = f"{type(trouble.error).__name__}: {trouble.error}"
                record.failed(
                    locked, call, epoch=call.epoch, error=error, sent=False, tries=call.tries + 1
                )
            locked.save(due_at=moves.soon(locked))
