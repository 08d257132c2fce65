"""Reading sagas: one with its calls, the due ones, a subject's. Writing is `Work.save`.

Times come from `booking_now()`, the database's clock, which a test can offset.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db import InterfaceError, OperationalError, connection

from booking.orchestrator.models import SagaInstance
from booking.orchestrator.shape import FINAL, Direction, SagaRow, StepRow
from booking.orchestrator.work import Work
from eventbus import faults


class SagaNotFound(Exception):
    """There is no saga with this id."""


def is_away(error: BaseException) -> bool:
    """Return whether the database was in trouble, not the work: nothing was recorded, trying again may help."""
    return isinstance(error, OperationalError | InterfaceError) or faults.stood_still(error)


class _Stored(msgspec.Struct):
    saga: SagaRow
    calls: list[StepRow]
    now: datetime


_STORED: Final = msgspec.json.Decoder(_Stored)
_READ: Final = """
SELECT json_build_object(
    'saga', to_jsonb(saga) || jsonb_build_object(
        'plan', plan::text, 'parked', attention_reason IS NOT NULL,
        'cancel_requested', cancel_requested_at IS NOT NULL),
    'calls', (SELECT coalesce(json_agg(c ORDER BY c.id), '[]') FROM (
        SELECT *, idempotency = 'D' AS never_resend FROM saga_step WHERE saga_id = saga.id) AS c),
    'now', booking_now())::text
FROM saga WHERE saga.id = """
# One snapshot for saga and calls: two statements could see a write of somebody else in between.
_READ_ONE: Final = f"{_READ} %s"
"""Apart from `_READ_SEVERAL`, which PostgreSQL plans anew each time, as it cannot know how many they will be."""
_READ_SEVERAL: Final = f"{_READ} ANY(%s)"


def now() -> datetime:
    """Return the database's time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT booking_now()")
        [value] = cursor.fetchone()
    assert isinstance(value, datetime)  # noqa: S101 - narrows what the driver returns
    return value


def read(saga_id: UUID) -> Work:
    """Read a saga with its calls, without a lock: the fence of `Work.save` finds out who was first.

    Raises:
        SagaNotFound: no such saga.
    """
    for work in _read(_READ_ONE, saga_id):
        return work
    raise SagaNotFound(str(saga_id))


def read_several(saga_ids: Sequence[UUID]) -> dict[UUID, Work]:
    """Read sagas with their calls in one statement; unknown ones are left out."""
    return {work.saga.id: work for work in _read(_READ_SEVERAL, list(saga_ids))}


def _read(statement: str, which: UUID | list[UUID]) -> list[Work]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [which])
        found = [_STORED.decode(row[0]) for row in cursor.fetchall()]
    return [Work(stored.saga, stored.calls, stored.now) for stored in found]


def lock(saga_id: UUID) -> Work:
    """Read a saga whose row stays locked until the transaction ends: nobody overtakes.

    Raises:
        SagaNotFound: no such saga.
    """
    with connection.cursor() as cursor:
        # The read is a statement of its own: after waiting for a lock, one alone would see older calls.
        cursor.execute("SELECT FROM saga WHERE id = %s FOR UPDATE", [saga_id])
    return read(saga_id)


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
                SELECT id, dispatches FROM saga WHERE due_at <= (SELECT booking_now())
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


def as_json(value: Any) -> dict[str, Any] | None:
    """Return a request, answer or given value as JSON-ready data."""
    return None if value is None else msgspec.to_builtins(value)
