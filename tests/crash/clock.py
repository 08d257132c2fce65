"""Time in a case: the engine's clock stands still while an actor works, and moves between two turns."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from django.db import connection

from booking.orchestrator import work

SET: Final = """
    SELECT setval('crash_clock', ceil(
        extract(epoch FROM %s::timestamptz - timestamptz '2026-01-01 00:00+00') * 1000)::bigint)
"""
NEXT: Final = """
    SELECT min(due_at) FROM saga
    WHERE subject_id = %s AND finished_at IS NULL AND attention_reason IS NULL
"""
LATER_AT_THE_BUS: Final = """
    UPDATE eventbus_inbox SET next_attempt_at = now() WHERE status = 'retry' AND next_attempt_at > now()
"""
LATER_AT_CRM: Final = """
    UPDATE crm_message SET
        due_at = CASE status WHEN 'queued' THEN now() END,
        lease_until = CASE status WHEN 'sending' THEN now() END
    WHERE status IN ('queued', 'sending') AND coalesce(due_at, lease_until) > now()
"""


def take_over() -> None:
    """Let a unit of work, which adds what its own process measured to the database's time, measure nothing."""
    work.time = SimpleNamespace(monotonic=lambda: 0.0)  # type: ignore[assignment]


def start() -> None:
    """Put the clock right: the outside world lives in real time."""
    _run(SET, ["now"])


def tick() -> None:
    """Let a millisecond pass, so that what happens one after the other has two times.

    A connection that an actor left broken is replaced here, as the next request or task would do it.
    """
    if connection.connection is not None and connection.connection.closed:
        connection.close()
    _run("SELECT nextval('crash_clock')", [])


def advance(*, to: datetime) -> None:
    """Let time pass."""
    _run(SET, [to])


def next_due(subject_id: Any) -> datetime | None:
    """Return when the live saga of a subject is due, None if there is none or a person must act."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [subject_id])
        [due_at] = cursor.fetchone()
    return due_at


def later_elsewhere() -> bool:
    """Let the waiting times of bus and CRM pass, which follow the database's own clock; tell if any did."""
    return any([_run(LATER_AT_THE_BUS, []), _run(LATER_AT_CRM, [])])


def _run(statement: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
