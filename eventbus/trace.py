"""What really happened because of one event: who reacted, with what outcome, and what that caused."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from eventbus import events, log, streams, subscribe
from eventbus.models import Cursor, InboxEntry, OutboxEntry


class EventNotFound(LookupError):
    """The log has no event of this id."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reaction:
    """What one handler did; `status` is that of the inbox, or `waiting` while the group is not there yet.

    `entry_id` is what `eventbus dead --retry` and `--skip` ask for.
    """

    group: str
    handler: str
    source: str
    status: str
    attempts: int = 0
    duration_ms: float | None = None
    finished_at: datetime | None = None
    error: str = ""
    entry_id: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """One event of the tree; personal fields of `data` are masked."""

    event_id: UUID
    type: str
    source: str
    stream: str
    position: int | None
    key: str
    occurred_at: datetime
    correlation_id: str
    actor: str
    data: dict[str, Any]
    reactions: list[Reaction]
    caused: list["Node"]


def reaction_tree(*, event_id: UUID) -> Node:
    """Return an event with its reactions and, recursively, the events they published.

    Raises:
        EventNotFound: the log has no such event.
    """
    entry = OutboxEntry.objects.filter(event_id=event_id).first()
    if entry is None:
        raise EventNotFound(f"The log has no event {event_id}.")
    return _node(entry)


def trees_about(*, key: str) -> list[Node]:
    """Return the trees of every event published under a key, in the order of the log; empty if none was."""
    # The streams are named so that the index on stream and key serves.
    entries = OutboxEntry.objects.filter(stream__in=streams.stream_names(), key=key).order_by("id")
    known = {entry.event_id for entry in entries}
    return [_node(entry) for entry in entries if entry.causation_id not in known]


def _node(entry: OutboxEntry) -> Node:
    caused = OutboxEntry.objects.filter(causation_id=entry.event_id).order_by("id")
    return Node(
        event_id=entry.event_id,
        type=entry.type,
        source=events.source_of(entry.type),
        stream=entry.stream,
        position=entry.position,
        key=entry.key,
        occurred_at=entry.occurred_at,
        correlation_id=entry.correlation_id,
        actor=entry.actor,
        data=log.masked(wire_name=entry.type, data=entry.data),
        reactions=[*_reactions(entry), *_expected(entry)],
        caused=[_node(child) for child in caused],
    )


def _reactions(entry: OutboxEntry) -> Iterator[Reaction]:
    for row in InboxEntry.objects.filter(event_id=entry.event_id).order_by("group", "id"):
        yield Reaction(
            group=row.group,
            handler=row.handler,
            source=_source(row),
            status=row.status,
            attempts=row.attempts,
            duration_ms=row.duration_ms,
            finished_at=row.finished_at,
            error=row.error,
            entry_id=row.pk,
        )


def _expected(entry: OutboxEntry) -> Iterator[Reaction]:
    """Return the handlers whose group has not come to the event yet."""
    arrived = Cursor.objects.filter(stream=entry.stream, position__gte=entry.position or 2**62)
    groups = set(arrived.values_list("group", flat=True))
    for group in subscribe.GROUPS.values():
        if group.name in groups or entry.stream not in group.streams:
            continue
        for handler in group.handlers_of(events.fact_of(entry.type)):
            yield Reaction(
                group=group.name, handler=handler.name, source=handler.source, status="waiting"
            )


def _source(row: InboxEntry) -> str:
    group = subscribe.GROUPS.get(row.group)
    handlers = group.handlers_of(events.fact_of(row.type)) if group else []
    return next((h.source for h in handlers if h.name == row.handler), "")
