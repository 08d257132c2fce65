"""What the outside asks of a saga: start, cancel, wake, retry. Each inside the caller's transaction or its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction

from booking.orchestrator import operations, settling, store
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.plan import Saga
from booking.orchestrator.settling import NotResolvable, Turned
from booking.orchestrator.shape import (
    FINAL,
    OVER,
    SETTLED,
    Direction,
    SagaState,
    StepRow,
    StepState,
)
from booking.orchestrator.work import Work
from eventbus import context, together

__all__ = [
    "NotParked",
    "NotResolvable",
    "TooLate",
    "Turned",
    "TurningBack",
    "remaining_links",
    "request_cancel",
    "resolve",
    "retry",
    "start",
    "wake",
]


class TooLate(Exception):
    """The point of no return is passed (or the saga is over): this saga can no longer be cancelled."""

    code = "too_late"


class TurningBack(Exception):
    """The saga turns back already: nothing was done, and nothing need be."""

    code = "saga_turning_back"


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
    about, forward = saga.about(subject_id), Direction.FORWARD
    ask = cache(lambda glue: glue(**about))  # each question once, however many steps ask it
    SagaStep.objects.bulk_create(
        [
            SagaStep(
                saga=instance,
                step=step.name,
                item=item,
                given=given,
                key=store.key_of(instance.id, step.name, item, forward, 1),
            )
            for step in saga.steps.values()
            for item, given in operations.given_to(step, ask).items()
        ]
    )
    SagaEvent.objects.create(saga=instance, at=now, kind="started")
    return instance


def request_cancel(*, saga_id: UUID, actor: str = "", reason: str = "") -> None:
    """Ask a saga to turn back; confirm and cancel serialise on its row.

    It is the saga that was seen, not its subject's of now: that may be another, which does the opposite.
    Who asked, and why (if an operator did), is kept in its history.

    Raises:
        SagaNotFound: no such saga.
        TooLate: the pivot has been sent, or the saga is over.
        TurningBack: it turns back already, or was asked to.
    """
    with transaction.atomic():
        work = store.lock(saga_id)
        if work.saga.state in FINAL:
            raise TooLate(f"saga {saga_id} is {work.saga.state}")
        if work.saga.state is SagaState.COMPENSATING or work.saga.cancel_requested:
            raise TurningBack(f"saga {saga_id} turns back already")
        if work.saga.state is not SagaState.RUNNING:
            raise TooLate("the payment is being taken")
        why: dict[str, Any] = {"reason": reason} if reason else {}
        work.note("cancel_requested", actor=actor, **why)
        now = work.now
        work.move(cancel_requested_at=now, due_at=now, attention_reason=None)
        work.save()


def wake(*, subject_id: UUID) -> UUID | None:
    """Let the calls that wait for the customer be asked about at once; return the saga, if one is live."""
    with transaction.atomic():
        work = _live(subject_id)
        if work is None:
            return None
        waiting = [call for call in work.rows.all if call.state is StepState.WAITING]
        for call in waiting:
            work.change(call, due_at=work.now)
        if waiting and not work.saga.parked:
            work.note("woken")
            work.move(due_at=work.now)
        if waiting:
            work.save()
        return work.saga.id


def retry(*, saga_id: UUID, actor: str, reason: str) -> None:
    """Let a parked saga try again, its failing calls with a fresh count of tries.

    Raises:
        NotParked: the saga does not wait for a person.
        SagaNotFound: no such saga.
    """
    with transaction.atomic():
        work = _parked(saga_id)
        for call in work.rows.all:
            _try_again(work, call)
        work.note("retried", actor=actor, reason=reason)
        work.move(due_at=work.now, attention_reason=None)
        work.save()


def resolve(
    *,
    saga_id: UUID,
    step: str,
    item: str,
    outcome: StepState,
    actor: str,
    evidence: str,
    direction: Direction | None = None,
    answer: Mapping[str, Any] | None = None,
) -> None:
    """Settle by hand a call that waits for a person: it happened, it did not, or its loss is accepted.

    `outcome` is DONE, ACCEPTED or (up to the pivot) REFUSED: it certainly did not happen. `evidence`
    says how that is known (a ticket, a partner's answer). `direction` is that of the call that was
    looked at: the saga may have turned back since. It may be left out if no other call is open of
    step and item.
    `answer` holds what the other side would have answered to a call that is done. What follows from
    the request, or from its being done, may be left out. It is recorded as if it had come in.

    Raises:
        NotParked: the saga does not wait for a person.
        Turned: meanwhile the saga goes the other way.
        NotResolvable: there is no such call, a person cannot settle it, `answer` is none, or too little,
            or somebody changes what it is about at the same moment.
        SagaNotFound: no such saga.
    """
    with transaction.atomic():
        work = _parked(saga_id)
        call = settling.resolvable(work, step, item, direction, outcome)
        settled = settling.settle(work, call, outcome, answer)
        work.note("resolved", settled, actor=actor, outcome=outcome, evidence=evidence)
        work.move(due_at=work.now, attention_reason=None)
        with operations.circumstances(work):
            try:
                work.save()
            except together.Overtaken as error:
                raise NotResolvable(
                    "what it is about was changed this moment: look again"
                ) from error


def _live(subject_id: UUID) -> Work | None:
    """Return the live saga of a subject, locked."""
    found = store.live_saga_of(subject_id)
    work = store.lock(found.id) if found else None
    return work if work and work.saga.state not in FINAL else None


def _parked(saga_id: UUID) -> Work:
    work = store.lock(saga_id)
    if not work.saga.parked:
        raise NotParked(f"saga {saga_id} does not wait for a person")
    return work


def _try_again(work: Work, call: StepRow) -> None:
    """Open what was given up: a refusal only where it cannot turn the saga back any more."""
    turning = work.saga.state is SagaState.RUNNING
    final = call.direction is Direction.FORWARD and work.saga.state is SagaState.COMPENSATING
    given_up = call.state is StepState.PARKED or (
        call.state is StepState.REFUSED and not turning and not final
    )
    if (call.state in SETTLED and not given_up) or call.live(work.now):
        return
    # A claim whose lease has ended is an unanswered call; a quiet period is never cut short.
    state = StepState.UNKNOWN if call.state is StepState.CLAIMED else call.state
    due_at = call.due_at if call.state is StepState.VERIFYING or call.idempotency == "C" else None
    work.settle(
        call,
        state=StepState.PENDING if given_up else state,
        ambiguous=call.ambiguous or call.state is StepState.CLAIMED,
        tries=0,
        reason="",
        due_at=due_at or work.now,
    )


def remaining_links(saga_id: UUID) -> tuple[Direction, Sequence[str]]:
    """Return which links a saga still has to go through, and which way.

    Raises:
        SagaNotFound: no such saga.
    """
    work = store.read(saga_id)
    direction = work.saga.direction
    if work.saga.state in FINAL:
        return direction, ()
    links = [
        step.link
        for step in work.shape.steps
        if any(call.state not in OVER for call in work.rows.of(step.name, direction))
    ]
    ordered = links if direction is Direction.FORWARD else reversed(links)
    return direction, tuple(dict.fromkeys(ordered))
