"""The engine's statements: claim, record and move, each fenced. The engine owns the transactions.

Times come from `booking_now()`, the database's clock, which a test can offset.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import DateTimeField, F, Func

from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.shape import (
    FINAL,
    Direction,
    Rows,
    SagaRow,
    SagaState,
    Shape,
    StepRow,
    StepState,
)


class Now(Func):
    """The database's time, offset in tests: the only clock of the engine."""

    function = "booking_now"
    template = "%(function)s()"
    output_field = DateTimeField()


class SagaNotFound(Exception):
    """There is no saga with this id."""


class Locked:
    """A saga whose row is locked until the transaction ends, with its calls, as read under that lock."""

    def __init__(self, saga: SagaInstance, calls: list[SagaStep], now: datetime) -> None:
        """Hold the rows together with the time at which they were read."""
        self.saga = saga
        self.calls = calls
        self.now = now
        self.shape = msgspec.convert(saga.plan, Shape)
        self.events: list[SagaEvent] = []

    def saga_row(self) -> SagaRow:
        """Return the saga as `decide` sees it."""
        return SagaRow(
            state=SagaState(self.saga.state),
            deadline_at=self.saga.deadline_at,
            cancel_requested=self.saga.cancel_requested_at is not None,
            reason=self.saga.reason,
            parked=self.saga.attention_reason is not None,
        )

    def rows(self) -> Rows:
        """Return the calls as `decide` sees them."""
        return Rows(tuple(_row(call) for call in self.calls))

    def call(self, row: StepRow) -> SagaStep:
        """Return the stored call behind a row of `decide`."""
        return next(
            call
            for call in self.calls
            if (call.step, call.item, call.direction) == (row.step, row.item, row.direction)
        )

    def forward(self, call: SagaStep) -> SagaStep:
        """Return the forward call that a compensation or annulment belongs to."""
        return next(
            other
            for other in self.calls
            if (other.step, other.item, other.direction)
            == (call.step, call.item, Direction.FORWARD)
        )

    def note(self, kind: str, call: SagaStep | None = None, **detail: Any) -> None:
        """Add a line to the saga's history; written with the next `save`."""
        about = (
            {
                "step": call.step,
                "item": call.item,
                "direction": call.direction,
                "attempt": call.attempt,
                "tries": call.tries,
            }
            if call
            else {}
        )
        actor = str(detail.pop("actor", ""))[:120]
        self.events.append(
            SagaEvent(
                saga_id=self.saga.id, at=self.now, kind=kind, detail=detail, actor=actor, **about
            )
        )

    def save(self, *, due_at: datetime | None, **changes: Any) -> None:
        """Write the saga row and its new history; progress starts the count of dispatches anew.

        A parked saga stays parked: an answer that still comes in is kept, but moves nothing.
        """
        if self.saga.attention_reason is not None and "attention_reason" not in changes:
            due_at = None
        for name, value in {**changes, "due_at": due_at}.items():
            setattr(self.saga, name, value)
        SagaInstance.objects.filter(pk=self.saga.pk).update(
            epoch=F("epoch") + 1, due_at=due_at, dispatches=0, **changes
        )
        if self.events:
            SagaEvent.objects.bulk_create(self.events)
            self.events = []


def now() -> datetime:
    """Return the database's time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT booking_now()")
        [value] = cursor.fetchone()
    assert isinstance(value, datetime)  # noqa: S101 - narrows what the driver returns
    return value


def lock(saga_id: UUID) -> Locked:
    """Lock a saga until the end of the transaction and read it with its calls.

    Raises:
        SagaNotFound: no such saga.
    """
    saga = (
        SagaInstance.objects.select_for_update().annotate(read_at=Now()).filter(pk=saga_id).first()
    )
    if saga is None:
        raise SagaNotFound(str(saga_id))
    return Locked(saga, list(SagaStep.objects.filter(saga_id=saga_id).order_by("id")), saga.read_at)


def fenced_update(call: SagaStep, *, epoch: int, **changes: Any) -> bool:
    """Write a call's outcome if nobody has claimed it since `epoch`; return whether it was written."""
    written = SagaStep.objects.filter(pk=call.pk, epoch=epoch).update(lease_until=None, **changes)
    if written:
        for name, value in {**changes, "lease_until": None}.items():
            setattr(call, name, value)
    return bool(written)


def fence_out(call: SagaStep) -> None:
    """Take a call away from a worker whose lease has ended: whatever it still hears is not written."""
    SagaStep.objects.filter(pk=call.pk).update(
        state=StepState.UNKNOWN, ambiguous=True, lease_until=None, epoch=F("epoch") + 1
    )
    call.state, call.ambiguous, call.lease_until = StepState.UNKNOWN, True, None
    call.epoch += 1


def claim(locked: Locked, calls: Iterable[SagaStep], *, lease_seconds: float) -> None:
    """Lease calls to this worker: tries + 1, epoch + 1; an unanswered one becomes ambiguous."""
    claimed = list(calls)
    for call in claimed:
        call.ambiguous = call.ambiguous or call.state in {StepState.CLAIMED, StepState.UNKNOWN}
        call.state = StepState.CLAIMED
        call.tries += 1
        call.epoch += 1
        call.lease_until = locked.now + timedelta(seconds=lease_seconds)
    SagaStep.objects.bulk_update(
        claimed,
        [
            "ambiguous",
            "state",
            "tries",
            "epoch",
            "lease_until",
            "sent_at",
            "request",
            "idempotency",
            "quiet_seconds",
        ],
    )


def add_calls(calls: list[SagaStep]) -> None:
    """Create calls (compensations, annulments)."""
    SagaStep.objects.bulk_create(calls)


def due_sagas(*, limit: int, grace_seconds: float) -> list[tuple[UUID, int]]:
    """Take due sagas and move their `due_at` ahead by a growing grace; return (id, earlier dispatches).

    Two sweepers share the work: rows that one has locked are skipped by the other.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE saga SET dispatches = saga.dispatches + 1,
                due_at = booking_now() + make_interval(secs => %s * power(2, least(saga.dispatches, 6)))
            FROM (
                SELECT id, dispatches FROM saga WHERE due_at <= booking_now()
                ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
            ) AS taken
            WHERE saga.id = taken.id
            RETURNING saga.id, taken.dispatches
            """,
            [grace_seconds, limit],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]


def live_saga_of(subject_id: UUID) -> SagaInstance | None:
    """Return the saga of a subject that is not over yet."""
    return (
        SagaInstance.objects.filter(subject_id=subject_id)
        .exclude(state__in=[state.value for state in FINAL])
        .first()
    )


def latest_saga_of(subject_id: UUID) -> SagaInstance | None:
    """Return the newest saga of a subject."""
    return SagaInstance.objects.filter(subject_id=subject_id).order_by("-created_at").first()


def key_of(saga_id: UUID, step: str, item: str, direction: Direction, attempt: int) -> str:
    """Return the idempotency key: stable over retries, new with each attempt."""
    parts = [str(saga_id), step, item, str(attempt)]
    if direction is not Direction.FORWARD:
        parts.append(direction.value)
    return ":".join(part for part in parts if part)


def as_json(value: Any) -> Mapping[str, Any] | None:
    """Return a request, answer or given value as JSON-ready data."""
    return None if value is None else msgspec.to_builtins(value)


def _row(call: SagaStep) -> StepRow:
    return StepRow(
        step=call.step,
        item=call.item,
        direction=Direction(call.direction),
        state=StepState(call.state),
        tries=call.tries,
        ambiguous=call.ambiguous,
        due_at=call.due_at,
        lease_until=call.lease_until,
        wait_until=call.wait_until,
        never_resend=call.idempotency == "D",
        reason=call.reason,
    )
