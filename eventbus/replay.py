"""Running handlers again over a range of the log, past the inbox: to rebuild what they project."""

import dataclasses
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial

from django.db import transaction

from eventbus import inbox, log
from eventbus.models import Cursor, InboxEntry, Stream
from eventbus.subscribe import Group, Handler

BATCH = 200
Call = tuple[log.Record, Handler]
Failure = tuple[log.Record, inbox.Outcome]


class ReplayRefused(ValueError):
    """The range or the handler is not one that can be replayed."""


class ReplayFailed(RuntimeError):
    """A handler failed; everything before that event is done, nothing of it or after it."""


class HistoryPruned(ReplayFailed):
    """The range begins with events that the log no longer has; nothing was run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Replayed:
    """How many events were looked at and how many calls of handlers were (or would be) made."""

    stream: str
    first: int
    last: int
    events: int
    calls: int


def replay(
    *,
    group: Group,
    handler: str = "",
    first: int = 1,
    last: int | None = None,
    dry_run: bool = False,
) -> list[Replayed]:
    """Run a group's handlers (or one of them) on positions `first` to `last`, no further than the group is.

    Handlers are told that it is a replay, so that no mail leaves. Inbox and cursor stay as they are.

    Raises:
        ReplayRefused: no such handler, or an impossible range.
        HistoryPruned: the log begins after `first`.
        ReplayFailed: a handler failed; the message says at which position.
    """
    if handler and handler not in {h.name for h in group.handlers}:
        known = ", ".join(sorted({h.name for h in group.handlers}))
        raise ReplayRefused(f"Group {group.name} has no handler {handler!r}. Known: {known}.")
    if first < 1 or (last is not None and last < first):
        raise ReplayRefused(f"{first} to {last} is not a range of positions.")
    pruned = Stream.objects.filter(name__in=group.streams, pruned__gte=first).first()
    if pruned:
        raise HistoryPruned(
            f"{pruned.name} begins at {pruned.pruned + 1}, what was before is pruned."
        )
    return [_stream(group, stream, handler, first, last, dry_run) for stream in group.streams]


def _stream(
    group: Group, stream: str, handler: str, first: int, last: int | None, dry_run: bool
) -> Replayed:
    place = Cursor.objects.filter(group=group.name, stream=stream).first()
    end = min(place.position if place else 0, last or 2**62)
    events = calls = 0
    after = first - 1
    while after < end:
        records = log.read(stream=stream, after=after, limit=min(BATCH, end - after))
        if not records:
            break
        calls += _batch(group, stream, handler, records, dry_run)
        events, after = events + len(records), records[-1].position
    return Replayed(stream=stream, first=first, last=end, events=events, calls=calls)


def _batch(
    group: Group, stream: str, handler: str, records: list[log.Record], dry_run: bool
) -> int:
    planned = [(record, each) for record in records for each in _chosen(group, record, handler)]
    if dry_run:
        return len(planned)
    failed = inbox.optimistically(partial(_run, group, stream, planned))
    if failed:
        record, outcome = failed
        raise ReplayFailed(f"{stream} position {record.position}, {record.type}:\n{outcome.error}")
    return len(planned)


@transaction.atomic
def _run(group: Group, stream: str, planned: list[Call], guarded: bool) -> Failure | None:
    """Make the calls up to the first that fails; return that one."""
    # New events wait while old ones are run again, so that a rebuilt row is never overtaken.
    Cursor.objects.select_for_update().filter(group=group.name, stream=stream).first()
    with nullcontext() if guarded else group.unit_of_work():
        for record, each in planned:
            outcome = inbox.attempt(
                handler=each, record=record, attempts=0, replay=True, guarded=guarded
            )
            if outcome.status != InboxEntry.Status.DONE:
                return record, outcome
    return None


def _chosen(group: Group, record: log.Record, handler: str) -> Iterator[Handler]:
    return (h for h in group.handlers_of(record.fact) if not handler or h.name == handler)
