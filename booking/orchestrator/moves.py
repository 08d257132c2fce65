"""The moves of a saga as a whole: go on, turn back, annul, give up, sleep, park, close."""

from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from booking.orchestrator import operations, store
from booking.orchestrator.compensation import compensation_of
from booking.orchestrator.decide import (
    Annul,
    Close,
    Decision,
    Enter,
    GiveUp,
    Nothing,
    Park,
    Sleep,
    decide,
)
from booking.orchestrator.models import SagaEvent, SagaInstance
from booking.orchestrator.shape import Direction, SagaState, StepRow, StepState
from booking.orchestrator.work import Work

_GOES_ON: Final = frozenset({SagaState.PIVOTING, SagaState.FINISHING})


def next_of(work: Work) -> Decision:
    """Return what the saga does next."""
    return decide(work.saga, work.rows, work.shape, work.now)


def save(work: Work) -> None:
    """Write a unit of work, together with whatever follows from it without anybody being asked.

    Raises:
        Overtaken: somebody else has written since the read.
    """
    while _follows(work, next_of(work)):
        pass
    work.save()


def _follows(work: Work, decision: Decision) -> bool:
    """Take a decision that costs nothing but words; return whether another one follows."""
    match decision:
        case Enter(SagaState.FINISHING) | Annul() | GiveUp():
            go_on(work, decision)
            return True
        case Close(SagaState.COMPLETED) if work.enters_a_state:
            # To pass the pivot and to end are two moves, also where nothing stands after it.
            work.move(due_at=work.now)
        case Close(SagaState.COMPLETED as state):
            close(work, state)
        case Sleep(until):
            work.move(due_at=until)
        case Park(reason):
            work.note("parked", reason=reason)
            work.move(due_at=None, attention_reason=reason)
        case Nothing():
            work.move(due_at=None)
        case _:
            # Work to do: the sweeper looks after the grace, in case this worker goes silent.
            work.move(due_at=work.now + timedelta(seconds=settings.SAGA_GRACE_SECONDS))
    return False


def go_on(work: Work, decision: Enter | Annul | GiveUp) -> None:
    """Take a decision after which another follows; nothing is written yet."""
    match decision:
        case Enter(SagaState.COMPENSATING, reason):
            _turn_back(work, reason)
        case Enter(state):
            work.note(state)
            work.move(state=state)
        case Annul(step):
            [pivot] = work.rows.of(step)
            work.add([_taking_back(work, pivot, Direction.ANNUL)])
        case GiveUp(rows, why):
            for row in rows:
                work.note("parked", row, error=row.error)
                work.settle(row, state=StepState.PARKED, reason=row.reason or why, due_at=None)


def _turn_back(work: Work, reason: str) -> None:
    """Turn back: one new row for each call to be compensated."""
    work.note("compensating", reason=reason)
    work.move(state=SagaState.COMPENSATING, reason=reason)
    for call in work.rows.all:
        _leave(work, call)
    work.add(
        _taking_back(work, call, Direction.COMPENSATE)
        for call in work.rows.all
        if call.direction is Direction.FORWARD
        and work.shape.step(call.step).compensated
        and call.may_have_had_an_effect()
    )


def _leave(work: Work, call: StepRow) -> None:
    """Fence a silent worker out, and give back what was prepared for a call that was never sent."""
    if call.state is StepState.CLAIMED:
        work.settle(call, state=StepState.UNKNOWN, ambiguous=True, epoch=call.epoch + 1)
    elif call.state is StepState.PENDING and not call.ambiguous:
        work.afterwards(partial(operations.abandon, work, call))


def _taking_back(work: Work, call: StepRow, direction: Direction) -> StepRow:
    return StepRow(
        step=call.step,
        item=call.item,
        direction=direction,
        given=call.given,
        key=store.key_of(work.saga.id, call.step, call.item, direction, 1),
    )


def close(work: Work, state: SagaState) -> None:
    """End the saga together with its subject: the closing hook runs in the transaction that writes this."""
    saga = operations.saga_of(work)
    hook = {SagaState.FAILED: saga.failed, SagaState.CANCELLED: saga.cancelled}.get(state)
    if hook is not None:
        about = saga.about(work.saga.subject_id)
        work.afterwards(partial(hook, **about, reason=work.saga.reason, at=work.now))
    # "Compensated" and "some of it was accepted as lost" must not look the same.
    lost = [f"{c.step} {c.item}".strip() for c in work.rows.all if c.state is StepState.ACCEPTED]
    taken_back = compensation_of(state, work.rows.all).value
    told = {"reason": work.saga.reason, "compensation": taken_back, "accepted": lost}
    detail: dict[str, Any] = {name: said for name, said in told.items() if said or name == "reason"}
    work.note(state, **detail)
    work.move(state=state, due_at=None, finished_at=work.now)


def park(saga_id: UUID, reason: str) -> None:
    """Park a saga that cannot even be read: without asking its plan."""
    reason = reason[:2000].replace("\x00", "")
    with transaction.atomic():
        live = SagaInstance.objects.select_for_update().filter(pk=saga_id, finished_at=None)
        if live.exists():
            live.update(due_at=None, attention_reason=reason, epoch=F("epoch") + 1)
            SagaEvent.objects.create(
                saga_id=saga_id, at=store.now(), kind="parked", detail={"reason": reason}
            )
