"""What a saga did and where it stands, for every timeline: API, admin, command line, demo."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from booking.orchestrator import operations, store
from booking.orchestrator.compensation import compensation_of
from booking.orchestrator.exposure import Exposure, exposure_of
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.plan import REGISTRY
from booking.orchestrator.shape import SETTLED, Direction, SagaState, StepState


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a timeline; `code` is the line of the table it comes from (`booking/sagas.py:14`)."""

    at: datetime
    saga: str
    kind: str
    step: str
    item: str
    direction: str
    link: str
    attempt: int
    tries: int
    code: str
    actor: str
    detail: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class CallProgress:
    """Where one call stands; `next_try_at` is set while it is neither settled nor being made."""

    step: str
    item: str
    direction: str
    state: str
    tries: int
    next_try_at: datetime | None
    reason: str
    code: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a saga stands; `action` is what the customer must do, `attention_reason` what a person must.

    `compensation` is one word of `Compensation`: how far it is taken back.
    `exposure` is what is at stake until that person has acted.
    """

    saga_id: UUID
    name: str
    state: str
    reason: str
    compensation: str
    due_at: datetime | None
    deadline_at: datetime
    attention_reason: str | None
    action: dict[str, Any] | None
    exposure: Sequence[Exposure]
    calls: Sequence[CallProgress]
    finished_at: datetime | None


def timeline(*, subject_id: UUID, skip: int = 0) -> list[Entry]:
    """Return everything that happened to the sagas of a subject, oldest first; `skip` leaves out the oldest."""
    events = SagaEvent.objects.filter(saga__subject_id=subject_id).select_related("saga")
    return [_entry(event) for event in events.order_by("id")[skip:]]


def progress(*, subject_id: UUID) -> Progress | None:
    """Return where the newest saga of a subject stands, or None if it never had one."""
    saga = store.latest_saga_of(subject_id)
    return None if saga is None else progress_of(saga)


def progress_of(saga: SagaInstance) -> Progress:
    """Return where one saga stands."""
    calls = list(SagaStep.objects.filter(saga=saga).order_by("id"))
    # Also while it is asked whether the customer has acted.
    waiting = [call.action for call in calls if call.action and call.state not in SETTLED]
    return Progress(
        saga_id=saga.id,
        name=saga.name,
        state=saga.state,
        reason=saga.reason,
        compensation=compensation_of(saga.state, calls).value,
        due_at=saga.due_at,
        deadline_at=saga.deadline_at,
        attention_reason=saga.attention_reason,
        action=waiting[0] if waiting and saga.state == SagaState.RUNNING else None,
        exposure=exposure_of_saga(saga),
        calls=[_call(saga, call) for call in calls],
        finished_at=saga.finished_at,
    )


def source_of(saga_name: str, step: str) -> str:
    """Return the line on which a step (or, without one, its table) stands; "" if the code no longer has it."""
    saga = REGISTRY.get(saga_name)
    if saga is None:
        return ""
    if not step:
        return saga.source
    return saga.steps[step].source if step in saga.steps else ""


def exposure_of_saga(saga: SagaInstance) -> list[Exposure]:
    """Return what is at stake while a saga waits for a person; nothing while it does not."""
    if saga.attention_reason is None:
        return []
    work = store.read(saga.pk)
    return exposure_of(work.saga, work.rows.all)


def exposures(saga_ids: Sequence[UUID]) -> dict[UUID, list[Exposure]]:
    """Return what is at stake in each of several parked sagas, in one statement."""
    return {
        saga_id: exposure_of(work.saga, work.rows.all)
        for saga_id, work in store.read_several(saga_ids).items()
    }


def _call(saga: SagaInstance, call: SagaStep) -> CallProgress:
    resting = call.state in {StepState.PENDING, StepState.UNKNOWN, StepState.VERIFYING}
    return CallProgress(
        step=call.step,
        item=call.item,
        direction=call.direction,
        state=call.state,
        tries=call.tries,
        next_try_at=call.due_at if resting else None,
        reason=call.reason,
        code=source_of(saga.name, call.step),
    )


def _entry(event: SagaEvent) -> Entry:
    links = {step.name: step.link for step in operations.shape_of(event.saga).steps}
    return Entry(
        at=event.at,
        saga=event.saga.name,
        kind=event.kind,
        step=event.step,
        item=event.item,
        direction=event.direction or Direction.FORWARD,
        link=links.get(event.step, ""),
        attempt=event.attempt,
        tries=event.tries,
        code=source_of(event.saga.name, event.step),
        actor=event.actor,
        detail=event.detail,
    )
