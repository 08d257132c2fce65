"""What the outside asks of a saga: start, cancel, wake, retry. Each inside the caller's transaction or its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction

from booking.orchestrator import operations, store
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.moves import direction_of
from booking.orchestrator.plan import Saga
from booking.orchestrator.shape import FINAL, SETTLED, Direction, SagaState, StepState
from eventbus import context


class TooLate(Exception):
    """The point of no return is passed (or the saga is over): this saga can no longer be cancelled."""

    code = "too_late"


class NotResolvable(Exception):
    """There is no such call, or it can still settle itself: retry the saga instead."""

    code = "call_not_resolvable"


class NotParked(Exception):
    """The saga does not wait for a person."""

    code = "saga_not_parked"


def start(saga: Saga, *, subject_id: UUID, deadline_at: datetime | None = None) -> SagaInstance:
    """Create an instance with one row for each call; inside the caller's transaction.

    `deadline_at` may only shorten the saga's own deadline.

    Raises:
        django.db.IntegrityError: the subject already has a saga that is not over.
    """
    now = store.now()
    ends = now + timedelta(seconds=saga.deadline)
    instance = SagaInstance.objects.create(
        name=saga.name,
        version=saga.version,
        plan=msgspec.to_builtins(saga.shape()),
        subject_id=subject_id,
        due_at=now + timedelta(seconds=settings.SAGA_GRACE_SECONDS),
        deadline_at=min(ends, deadline_at) if deadline_at else ends,
        correlation_id=context.current().correlation_id or "",
        traceparent=context.current().traceparent or "",
        created_at=now,
        dispatches=1,
    )
    about = saga.about(subject_id)
    forward = Direction.FORWARD
    store.add_calls(
        [
            SagaStep(
                saga=instance,
                step=step.name,
                item=item,
                given=given,
                key=store.key_of(instance.id, step.name, item, forward, 1),
            )
            for step in saga.steps.values()
            for item, given in operations.given_to(step, about).items()
        ]
    )
    SagaEvent.objects.create(saga=instance, at=now, kind="started")
    return instance


def request_cancel(*, subject_id: UUID, actor: str = "") -> UUID:
    """Ask the live saga of a subject to turn back; confirm and cancel serialise on its row.

    Raises:
        TooLate: the pivot has been sent, or no saga is running.
    """
    with transaction.atomic():
        found = store.live_saga_of(subject_id)
        if found is None:
            raise TooLate("nothing is running that could be cancelled")
        locked = store.lock(found.id)
        if locked.saga.state == SagaState.COMPENSATING:
            return found.id
        if locked.saga.state != SagaState.RUNNING:
            raise TooLate("the payment is being taken")
        if locked.saga.cancel_requested_at is None:
            locked.note("cancel_requested", actor=actor)
            locked.save(due_at=locked.now, cancel_requested_at=locked.now, attention_reason=None)
        return found.id


def wake(*, subject_id: UUID) -> UUID | None:
    """Let the calls that wait for the customer be asked about at once; return the saga, if one is live."""
    with transaction.atomic():
        found = store.live_saga_of(subject_id)
        if found is None:
            return None
        locked = store.lock(found.id)
        if locked.saga.finished_at is not None:
            return None
        waiting = [call for call in locked.calls if call.state == StepState.WAITING]
        for call in waiting:
            store.fenced_update(call, epoch=call.epoch, due_at=locked.now)
        if waiting and locked.saga.attention_reason is None:
            locked.note("woken")
            locked.save(due_at=locked.now)
        return found.id


def retry(*, saga_id: UUID, actor: str, reason: str) -> None:
    """Let a parked saga try again, its failing calls with a fresh count of tries.

    Raises:
        NotParked: the saga does not wait for a person.
        SagaNotFound: no such saga.
    """
    with transaction.atomic():
        locked = store.lock(saga_id)
        if locked.saga.attention_reason is None:
            raise NotParked(f"saga {saga_id} does not wait for a person")
        for call in locked.calls:
            _try_again(locked, call)
        locked.note("retried", actor=actor, reason=reason)
        locked.save(due_at=locked.now, attention_reason=None)


def resolve(
    *, saga_id: UUID, step: str, item: str, outcome: StepState, actor: str, evidence: str
) -> None:
    """Settle by hand a call that waits for a person: it is done after all, or its loss is accepted.

    `outcome` is DONE or ACCEPTED, `evidence` says how that is known (a ticket, a partner's answer).

    Raises:
        NotParked: the saga does not wait for a person.
        NotResolvable: there is no such call, or a person cannot settle it.
        SagaNotFound: no such saga.
    """
    with transaction.atomic():
        locked = store.lock(saga_id)
        if locked.saga.attention_reason is None:
            raise NotParked(f"saga {saga_id} does not wait for a person")
        if outcome not in {StepState.DONE, StepState.ACCEPTED}:
            raise NotResolvable(f"a call is resolved as done or accepted, not {outcome}")
        for call in _given_up(locked, step, item):
            # Before the pivot a loss cannot be borne: what did not happen turns the flow back.
            turns = locked.saga.state == SagaState.RUNNING and outcome is StepState.ACCEPTED
            state = StepState.REFUSED if turns else outcome
            store.fenced_update(call, epoch=call.epoch, state=state, due_at=None)
            locked.note("resolved", call, actor=actor, outcome=outcome, evidence=evidence)
        locked.save(due_at=locked.now, attention_reason=None)


def _given_up(locked: store.Locked, step: str, item: str) -> list[SagaStep]:
    """Return the calls of a step that only a person can settle."""
    turned = locked.saga.state == SagaState.COMPENSATING
    found = [
        call
        for call in locked.calls
        if (call.step, call.item) == (step, item)
        and turned is (call.direction == Direction.COMPENSATE)
        and _only_a_person_can(locked, call)
    ]
    if not found:
        raise NotResolvable(f"no call of {step} {item} waits for a person".replace("  ", " "))
    return found


def _only_a_person_can(locked: store.Locked, call: SagaStep) -> bool:
    if locked.saga.state == SagaState.RUNNING:
        return call.idempotency == "D" and call.ambiguous and call.state not in SETTLED
    return call.state in {StepState.PARKED, StepState.REFUSED}


def _try_again(locked: store.Locked, call: SagaStep) -> None:
    """Open what was given up: a refusal only where it cannot turn the saga back any more."""
    turning = locked.saga.state == SagaState.RUNNING
    forward = call.direction == Direction.FORWARD
    final = forward and locked.saga.state == SagaState.COMPENSATING
    given_up = call.state == StepState.PARKED or (
        call.state == StepState.REFUSED and not turning and not final
    )
    if call.state in SETTLED and not given_up:
        return
    if call.state == StepState.CLAIMED and call.lease_until and call.lease_until > locked.now:
        return
    # A claim whose lease has ended is an unanswered call; a quiet period is never cut short.
    state = {StepState.CLAIMED: StepState.UNKNOWN}.get(StepState(call.state), call.state)
    due_at = call.due_at if call.state == StepState.VERIFYING or call.idempotency == "C" else None
    store.fenced_update(
        call,
        epoch=call.epoch,
        state=StepState.PENDING if given_up else state,
        ambiguous=call.ambiguous or call.state == StepState.CLAIMED,
        tries=0,
        due_at=due_at or locked.now,
    )


def remaining_links(saga_id: UUID) -> tuple[Direction, Sequence[str]]:
    """Return which links a saga still has to go through, and which way."""
    saga = SagaInstance.objects.get(pk=saga_id)
    if SagaState(saga.state) in FINAL:
        return Direction.FORWARD, ()
    shape, direction = operations.shape_of(saga), direction_of(saga)
    open_steps = set(
        SagaStep.objects.filter(saga_id=saga_id, direction=direction)
        .exclude(state__in=[StepState.DONE, StepState.ACCEPTED])
        .values_list("step", flat=True)
    )
    links = tuple(dict.fromkeys(step.link for step in shape.steps if step.name in open_steps))
    return direction, links if direction is Direction.FORWARD else tuple(reversed(links))
