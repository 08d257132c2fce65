"""Running handlers: the outcome of each in an inbox row, one blocked key blocking no other.

A batch is run as one unit of work first, as nearly every handler succeeds; when one fails, the batch is
rolled back and run again with each handler in a unit and a savepoint of its own.
"""

import dataclasses
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

import msgspec
from django.db import connection, transaction
from django.db.models.functions import Now

from eventbus import context, events, faults, log
from eventbus.models import OPEN_STATUSES, InboxEntry
from eventbus.subscribe import Group, Handler

logger = logging.getLogger(__name__)

T = TypeVar("T")
ERROR_CHARACTERS: Final = 8000
OUTLOOK: Final = """
    SELECT EXISTS (SELECT FROM eventbus_inbox WHERE "group" = %s AND stream = %s
            AND status = 'retry' AND next_attempt_at <= statement_timestamp()),
        ARRAY(SELECT DISTINCT key FROM eventbus_inbox WHERE "group" = %s AND stream = %s
            AND status IN ('retry', 'parked', 'dead') AND ordered AND key = ANY(%s::text[]))
"""
COLUMNS: Final = '"group", handler, event_id, stream, position, type, key, ordered, status, attempts, error, duration_ms'
WRITE: Final = f"""
    INSERT INTO eventbus_inbox ({COLUMNS}, next_attempt_at, finished_at, resolved_by, reason)
    SELECT {COLUMNS}, statement_timestamp() + delay * interval '1 second',
        CASE status WHEN 'done' THEN statement_timestamp() END, '', ''
    FROM json_to_recordset(%s) AS row ("group" text, handler text, event_id uuid, stream text,
        position bigint, type text, key text, ordered boolean, status text, attempts int, error text,
        duration_ms float, delay float)
"""  # noqa: S608 - a constant
Status = InboxEntry.Status


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one attempt ended: `done`, `retry` after `delay`, or `dead`."""

    status: InboxEntry.Status
    attempts: int
    error: str = ""
    delay: timedelta | None = None
    duration_ms: float | None = None


PARKED: Final = Outcome(status=Status.PARKED, attempts=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Received:
    """One event at one handler, and how that ended."""

    handler: Handler
    record: log.Record
    outcome: Outcome


def optimistically(run: Callable[[bool], T]) -> T:
    """Return `run(False)`, a transaction without guards; if a handler fails, roll back and `run(True)`.

    Guarded means that each handler runs in a savepoint, so that one can fail alone.
    """
    try:
        return run(False)
    except Exception as error:
        if faults.is_infrastructure(error):
            raise
        logger.info("Running a batch again, each handler guarded by a savepoint: %r", error)
    return run(True)


def outlook(*, group: str, stream: str, keys: Iterable[str]) -> tuple[bool, set[str]]:
    """Return whether a retry is due, and which of the keys have an earlier event that is not settled."""
    with connection.cursor() as cursor:
        cursor.execute(OUTLOOK, [group, stream, group, stream, list(set(keys))])
        due, blocked = cursor.fetchone()
    return due, set(blocked)


def receive(
    *, group: Group, record: log.Record, blocked: set[str], guarded: bool
) -> list[Received]:
    """Give one event to its handlers, or park it behind an earlier one; add its key to `blocked` if it fails.

    Raises infrastructure errors; unless `guarded`, any error of a handler.
    """
    received = []
    was_blocked = record.key in blocked
    for handler in group.handlers_of(record.fact):
        ordered = handler.order == "key"
        if ordered and was_blocked:
            outcome = PARKED
        else:
            outcome = attempt(handler=handler, record=record, attempts=0, guarded=guarded)
        if ordered and outcome.status in OPEN_STATUSES:
            blocked.add(record.key)
        received.append(Received(handler=handler, record=record, outcome=outcome))
    return received


def write(received: Sequence[Received], *, seconds: float) -> None:
    """Write the inbox rows of a batch that took so long; what the handlers did together is shared out among them."""
    if not received:
        return
    alone = [each.outcome.duration_ms for each in received if each.outcome.duration_ms is not None]
    shared = max(0.0, 1000 * seconds - sum(alone)) / len(alone) if alone else 0.0
    rows = msgspec.json.encode([_row(each, shared) for each in received]).decode()
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [rows])


def attempt(
    *,
    handler: Handler,
    record: log.Record,
    attempts: int,
    replay: bool = False,
    guarded: bool = True,
) -> Outcome:
    """Run a handler in a savepoint, after so many failed attempts; a failure leaves nothing of it behind.

    Raises infrastructure errors, which burn no attempt; unless `guarded` by the savepoint, any error of
    the handler.
    """
    started = time.perf_counter()
    try:
        event = record.event()
    except Exception:
        # Trying again would not make it readable; an upcaster with a bug may raise anything.
        logger.exception("%s %s cannot be read", record.type, record.event_id)
        return Outcome(status=Status.DEAD, attempts=attempts + 1, error=_error())
    try:
        _run(handler, event, record, replay, guarded)
    except Exception as error:
        if not guarded or faults.is_infrastructure(error):
            raise
        logger.exception("%s failed on %s %s", handler.name, record.type, record.event_id)
        return _failed(handler, attempts + 1)
    elapsed = (time.perf_counter() - started) * 1000
    return Outcome(status=Status.DONE, attempts=attempts + 1, duration_ms=elapsed)


def settle(entry: InboxEntry, outcome: Outcome) -> None:
    """Write an outcome into an inbox row, without saving it."""
    entry.status = outcome.status
    entry.attempts = outcome.attempts
    entry.error = outcome.error
    entry.duration_ms = outcome.duration_ms
    entry.next_attempt_at = Now() + outcome.delay if outcome.delay else None
    entry.finished_at = Now() if outcome.status == Status.DONE else None


def _run(
    handler: Handler, event: events.Event, record: log.Record, replay: bool, guarded: bool
) -> None:
    circumstances = context.correlated(
        correlation_id=record.correlation_id,
        causation_id=record.event_id,
        traceparent=context.child_traceparent(record.traceparent),
        actor=record.actor or None,
    )
    meta = record.meta(replay=replay)
    if not guarded:
        with circumstances:
            handler.run(event, meta)
        return
    with circumstances, transaction.atomic():
        with handler.unit_of_work():
            handler.run(event, meta)
        _check_constraints()


def _check_constraints() -> None:
    """Let deferred constraints speak up while they are this handler's, not at the batch's commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def _failed(handler: Handler, attempts: int) -> Outcome:
    delay = handler.retry.delay(attempts=attempts)
    status = Status.DEAD if delay is None else Status.RETRY
    return Outcome(status=status, attempts=attempts, error=_error(), delay=delay)


def _error() -> str:
    return traceback.format_exc()[-ERROR_CHARACTERS:].replace("\0", "\\0")


def _row(received: Received, shared_ms: float) -> dict[str, object]:
    handler, record, outcome = received.handler, received.record, received.outcome
    took = outcome.duration_ms
    return {
        "group": handler.group,
        "handler": handler.name,
        "event_id": record.event_id,
        "stream": record.stream,
        "position": record.position,
        "type": record.type,
        "key": record.key,
        "ordered": handler.order == "key",
        "status": outcome.status,
        "attempts": outcome.attempts,
        "error": outcome.error,
        "duration_ms": took if took is None else took + shared_ms,
        "delay": outcome.delay.total_seconds() if outcome.delay else None,
    }
