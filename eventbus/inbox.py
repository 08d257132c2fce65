"""Running handlers: the outcome of each in an inbox row, one blocked key blocking no other.

A batch is run without savepoints first, as nearly every handler succeeds; when one fails, the batch is
rolled back and run again with each handler in a savepoint of its own.
"""

import dataclasses
import logging
import time
import traceback
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from eventbus import context, events, faults, log
from eventbus.models import OPEN_STATUSES, InboxEntry
from eventbus.subscribe import Group, Handler

logger = logging.getLogger(__name__)

ERROR_CHARACTERS: Final = 8000
Status = InboxEntry.Status


class BatchBroken(RuntimeError):
    """A handler of a batch without savepoints failed: the batch is to be rolled back and run guarded."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one attempt ended: `done`, `retry` after `delay`, or `dead`."""

    status: InboxEntry.Status
    attempts: int
    error: str = ""
    delay: timedelta | None = None
    duration_ms: float | None = None


def blocked_keys(*, group: str, stream: str, keys: Iterable[str]) -> set[str]:
    """Return which of the keys have an earlier event that is not settled."""
    waiting = InboxEntry.objects.filter(
        group=group, stream=stream, key__in=set(keys), status__in=OPEN_STATUSES, ordered=True
    )
    return set(waiting.values_list("key", flat=True))


def receive(
    *, group: Group, record: log.Record, blocked: set[str], guarded: bool
) -> list[InboxEntry]:
    """Give one event to its handlers, or park it behind an earlier one; add its key to `blocked` if it fails.

    Returns the inbox rows, not saved. Raises infrastructure errors, and, unless `guarded` by a savepoint
    for each handler:

    Raises:
        BatchBroken: a handler failed.
    """
    entries = []
    was_blocked = record.key in blocked
    for handler in group.handlers_of(record.fact):
        entry = _entry(handler, record)
        if entry.ordered and was_blocked:
            entry.status = Status.PARKED
        else:
            settle(entry, attempt(handler=handler, record=record, attempts=0, guarded=guarded))
        if entry.ordered and entry.status in OPEN_STATUSES:
            blocked.add(record.key)
        entries.append(entry)
    return entries


def attempt(
    *,
    handler: Handler,
    record: log.Record,
    attempts: int,
    replay: bool = False,
    guarded: bool = True,
) -> Outcome:
    """Run a handler in a savepoint, after so many failed attempts; a failure leaves nothing of it behind.

    Raises infrastructure errors, which burn no attempt, and, unless `guarded` by the savepoint:

    Raises:
        BatchBroken: the handler failed.
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
        if faults.is_infrastructure(error):
            raise
        if not guarded:
            raise BatchBroken(handler.name) from error
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
        handler.run(event, meta)
        _check_constraints()


def check_batch() -> None:
    """Let deferred constraints speak up, and a transaction that a handler broke in silence.

    Raises:
        BatchBroken: something of the batch cannot be committed.
    """
    try:
        _check_constraints()
    except DatabaseError as error:
        if faults.is_infrastructure(error):
            raise
        raise BatchBroken from error


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


def _entry(handler: Handler, record: log.Record) -> InboxEntry:
    return InboxEntry(
        group=handler.group,
        handler=handler.name,
        event_id=record.event_id,
        stream=record.stream,
        position=record.position,
        type=record.type,
        key=record.key,
        ordered=handler.order == "key",
    )
