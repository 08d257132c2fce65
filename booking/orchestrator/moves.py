"""The moves of a saga: turn back, annul, give up, close, sleep, park. Each within the caller's transaction."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from booking.orchestrator import operations, store
from booking.orchestrator.decide import Annul, Enter, GiveUp
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.shape import Direction, SagaState, StepRow, StepState
from booking.orchestrator.store import Locked


def go_on(locked: Locked, decision: Enter | Annul | GiveUp) -> None:
    """Apply a decision after which another can be taken in the same transaction."""
    match decision:
        case Enter():
            _enter(locked, decision)
        case Annul(step):
            _annul(locked, step)
        case GiveUp(rows):
            for row in rows:
                _give_up(locked, locked.call(row))


def _enter(locked: Locked, decision: Enter) -> None:
    """Move to another live state; turning back creates one row for each call to be compensated."""
    if decision.state is SagaState.COMPENSATING:
        locked.note("compensating", reason=decision.reason)
        for call, row in zip(locked.calls, locked.rows().all, strict=True):
            _leave(locked, call, row)
        added = [
            _taking_back(locked, call, Direction.COMPENSATE)
            for call, row in zip(locked.calls, locked.rows().all, strict=True)
            if row.direction is Direction.FORWARD
            and locked.shape.step(row.step).compensated
            and row.may_have_had_an_effect()
        ]
        store.add_calls(added)
        locked.calls.extend(added)
        locked.save(due_at=soon(locked), state=decision.state, reason=decision.reason)
    else:
        locked.note(decision.state)
        locked.save(due_at=soon(locked), state=decision.state)


def _leave(locked: Locked, call: SagaStep, row: StepRow) -> None:
    """Fence a silent worker out, and give back what was prepared for a call that was never sent."""
    if row.state is StepState.CLAIMED:
        store.fence_out(call)
    elif row.state is StepState.PENDING and not row.ambiguous:
        operations.abandon(locked, call)


def _annul(locked: Locked, step: str) -> None:
    pivot = next(call for call in locked.calls if call.step == step)
    added = _taking_back(locked, pivot, Direction.ANNUL)
    store.add_calls([added])
    locked.calls.append(added)


def _taking_back(locked: Locked, call: SagaStep, direction: Direction) -> SagaStep:
    return SagaStep(
        saga_id=locked.saga.id,
        step=call.step,
        item=call.item,
        direction=direction,
        given=call.given,
        key=store.key_of(locked.saga.id, call.step, call.item, direction, 1),
    )


def _give_up(locked: Locked, call: SagaStep) -> None:
    locked.note("parked", call, error=call.error)
    store.fenced_update(
        call,
        epoch=call.epoch,
        state=StepState.PARKED,
        reason=call.reason or "retries_exhausted",
        due_at=None,
    )
    locked.save(due_at=soon(locked))


def close(locked: Locked, state: SagaState) -> None:
    """End the saga together with its subject: the closing hook runs in this transaction."""
    saga = operations.saga_of(locked)
    hook = {SagaState.FAILED: saga.failed, SagaState.CANCELLED: saga.cancelled}.get(state)
    if hook is not None:
        hook(**saga.about(locked.saga.subject_id), reason=locked.saga.reason, at=locked.now)
    stop(locked, state, reason=locked.saga.reason, state=state, finished_at=locked.now)


def sleep(locked: Locked, until: datetime) -> None:
    """Wait until the given time; written only if something changed."""
    if locked.saga.due_at != until or locked.events:
        locked.save(due_at=until)


def stop(locked: Locked, kind: str, *, reason: str, **changes: object) -> None:
    """Stand still: parked or over."""
    locked.note(kind, reason=reason)
    locked.save(due_at=None, **changes)


def park(saga_id: UUID, reason: str) -> None:
    """Park a saga that cannot even be read: without asking its plan."""
    reason = reason[:2000].replace("\x00", "")
    with transaction.atomic():
        live = SagaInstance.objects.select_for_update().filter(pk=saga_id, finished_at=None)
        if live.exists():
            live.update(due_at=None, attention_reason=reason)
            SagaEvent.objects.create(
                saga_id=saga_id, at=store.now(), kind="parked", detail={"reason": reason}
            )


def soon(locked: Locked) -> datetime:
    """Return when the sweeper should look if this worker goes silent: at the end of a lease, or after the grace."""
    leases = [row.lease_until for row in locked.rows().all if row.live(locked.now)]
    grace = locked.now + timedelta(seconds=settings.SAGA_GRACE_SECONDS)
    return min((lease for lease in leases if lease is not None), default=grace)


def direction_of(saga: SagaInstance) -> Direction:
    """Return which way a saga is going."""
    return Direction.COMPENSATE if saga.state == SagaState.COMPENSATING else Direction.FORWARD
