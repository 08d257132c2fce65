"""Settling by hand what waits for a person: retry or skip, by whom and why."""

from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from eventbus import retries
from eventbus.models import Cursor, InboxEntry

Status = InboxEntry.Status
SETTLED_BY_HAND = (Status.DEAD, Status.RETRY)


class NotSettled(ValueError):
    """The entry is not one to be settled by hand, or nobody or no reason was named."""


def waiting(*, group: str = "") -> QuerySet[InboxEntry]:
    """Return the dead entries, oldest first, of one group or of all."""
    dead = InboxEntry.objects.filter(status=Status.DEAD).order_by("stream", "position", "id")
    return dead.filter(group=group) if group else dead


def retry(*, entry_id: int, actor: str, reason: str) -> InboxEntry:
    """Let the handler try again from its first attempt on, at once.

    Raises:
        NotSettled: the entry is neither dead nor waiting for a retry, or actor or reason is missing.
    """
    return _settle(entry_id, actor, reason, _to_be_retried)


def skip(*, entry_id: int, actor: str, reason: str) -> InboxEntry:
    """Go on without this event's effect, and release what waited behind it.

    Raises:
        NotSettled: the entry is neither dead nor waiting for a retry, or actor or reason is missing.
    """
    return _settle(entry_id, actor, reason, _skipped)


def _settle(
    entry_id: int, actor: str, reason: str, change: Callable[[InboxEntry], None]
) -> InboxEntry:
    if not actor.strip() or not reason.strip():
        raise NotSettled("Name who settles the entry, and why.")
    with transaction.atomic():
        entry = InboxEntry.objects.filter(pk=entry_id).first()
        if entry is None:
            raise NotSettled(f"There is no inbox entry {entry_id}.")
        # The cursor's lock first, as the consumer takes it: it may be at work on this very entry.
        Cursor.objects.select_for_update().filter(group=entry.group, stream=entry.stream).first()
        entry.refresh_from_db()
        if entry.status not in SETTLED_BY_HAND:
            raise NotSettled(f"Inbox entry {entry_id} is {entry.status}, not dead.")
        entry.resolved_by, entry.reason = actor.strip(), reason.strip()
        change(entry)
        entry.save()
        if entry.ordered:
            retries.release(group=entry.group, stream=entry.stream, key=entry.key)
        entry.refresh_from_db()
    return entry


def _to_be_retried(entry: InboxEntry) -> None:
    entry.status = Status.RETRY
    entry.attempts = 0
    entry.next_attempt_at = Now()


def _skipped(entry: InboxEntry) -> None:
    entry.status = Status.SKIPPED
    entry.next_attempt_at = None
    entry.finished_at = Now()
