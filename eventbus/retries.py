"""Second attempts, and the release of what waited behind them. All of it under the cursor's lock.

Of each blocked key the earliest event is `retry` or `dead`, all later ones are `parked`; so only rows
in `retry` need to be looked for, however many are parked.
"""

from typing import Final

from django.db.models.functions import Now

from eventbus import crashpoints, inbox, log
from eventbus.models import OPEN_STATUSES, InboxEntry
from eventbus.subscribe import Group, Handler

AT_ONCE: Final = 50
Status = InboxEntry.Status


def run_due(*, group: Group, stream: str, limit: int = AT_ONCE) -> int:
    """Try again what is due, releasing what was parked behind it; return how many attempts were made."""
    for made in range(limit):
        due = InboxEntry.objects.filter(
            group=group.name, stream=stream, status=Status.RETRY, next_attempt_at__lte=Now()
        )
        entry = due.order_by("next_attempt_at", "position", "id").first()
        if entry is None:
            return made
        _try_again(group, entry)
    return limit


def release(*, group: str, stream: str, key: str) -> None:
    """Make the key's earliest unsettled event due if it is parked: nothing is before it any more."""
    waiting = InboxEntry.objects.filter(
        group=group, stream=stream, key=key, status__in=OPEN_STATUSES, ordered=True
    )
    first = waiting.order_by("position").values_list("position", flat=True).first()
    if first is not None:
        waiting.filter(position=first, status=Status.PARKED).update(
            status=Status.RETRY, next_attempt_at=Now()
        )


def _try_again(group: Group, entry: InboxEntry) -> None:
    handler = _handler(group, entry)
    records = log.read(stream=entry.stream, after=entry.position - 1, limit=1)
    if handler is None or not records or records[0].position != entry.position:
        what = "its handler is no longer in the code" if records else "the log no longer has it"
        gone = inbox.Outcome(status=Status.DEAD, attempts=entry.attempts, error=what)
        inbox.settle(entry, gone)
    else:
        again = inbox.attempt(handler=handler, record=records[0], attempts=entry.attempts)
        inbox.settle(entry, again)
    entry.save()
    crashpoints.reached("retry.attempted")
    if entry.ordered and entry.status == Status.DONE:
        release(group=entry.group, stream=entry.stream, key=entry.key)


def _handler(group: Group, entry: InboxEntry) -> Handler | None:
    fact = entry.type.rpartition(".v")[0]
    return next((h for h in group.handlers_of(fact) if h.name == entry.handler), None)
