"""Exactly once, proven: the inbox against the log, and CRM's projections against a fold of the log."""

import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import connection

from crm.handlers import crm
from crm.models import Interaction, Message, Relationship, Trip, TripShare
from eventbus.events import fact_of
from eventbus.models import InboxEntry, OutboxEntry
from tests.crash.wrapping import Mailbox

ENDS: Final = {
    "reservation.confirmed.v1": ("confirmed", "confirmed_at"),
    "reservation.failed.v1": ("failed", "failed_at"),
    "reservation.cancelled.v1": ("cancelled", "cancelled_at"),
}
HOLES: Final = """
    SELECT name, head, count(o.position), coalesce(max(o.position), 0), count(o.id)
    FROM eventbus_stream s LEFT JOIN eventbus_outbox o ON o.stream = s.name GROUP BY 1, 2
"""


def holes() -> Iterator[str]:
    """Yield what is wrong with the numbers of the log."""
    with connection.cursor() as cursor:
        cursor.execute(HOLES)
        for name, head, numbered, last, written in cursor.fetchall():
            if len({head, numbered, last, written}) > 1:
                yield f"log {name}: {written} events, {numbered} numbered up to {last}, head {head}"


def differences(reservation_id: UUID) -> Iterator[str]:
    """Yield what was not handled exactly once, and where CRM says something else than the log."""
    log = list(OutboxEntry.objects.filter(key=str(reservation_id)).order_by("id"))
    yield from _handled_once(log)
    yield from _folded(reservation_id, log)


def _handled_once(log: list[OutboxEntry]) -> Iterator[str]:
    due = Counter(
        (event.event_id, handler.name)
        for event in log
        for handler in crm.handlers_of(fact_of(event.type))
    )
    rows = InboxEntry.objects.filter(event_id__in=[event.event_id for event in log])
    done = Counter((row.event_id, row.handler) for row in rows if row.status == "done")
    if due != done:
        missing, more = list(due - done), list(done - due)
        yield f"not handled: {missing}; handled too often: {more}"
    if open_rows := [f"{row.handler} {row.status}" for row in rows if row.status != "done"]:
        yield f"not done: {open_rows}"


def _folded(reservation_id: UUID, log: list[OutboxEntry]) -> Iterator[str]:
    entries: set[UUID] = set()
    status, taken = "open", False
    for event in log:
        entries |= {uuid.uuid5(event.event_id, str(one)) for one in _providers(event)}
        status = ENDS.get(event.type, (status,))[0]
        taken = taken or event.type == "payments.captured.v1"
    found = Interaction.objects.filter(
        reservation_id=reservation_id, source_event_id__isnull=False
    ).values_list("id", flat=True)
    if set(found) != entries:
        yield f"the timeline has {len(found)} entries, the log makes {len(entries)}"
    trip = Trip.objects.filter(reservation_id=reservation_id).first()
    heard = (trip.status, trip.captured_at is not None) if trip else None
    if heard != (status, taken):
        yield f"CRM heard of {heard}, the log says {(status, taken)}"


def figures(account_id: UUID) -> Iterator[str]:
    """Yield which figures of a customer are not the count of their trips."""
    shares = TripShare.objects.filter(trip__profile_id=account_id)
    counts = Counter(shares.values_list("provider_id", "trip__status"))
    for one in Relationship.objects.filter(profile_id=account_id):
        said = [one.confirmed_trips, one.failed_trips, one.cancelled_trips]
        ends = ("confirmed", "failed", "cancelled")
        if said != (wanted := [counts[one.provider_id, end] for end in ends]):
            yield f"figures {said}, the trips make {wanted}"


def _providers(event: OutboxEntry) -> set[str]:
    """Return whose timeline an event goes to."""
    data: dict[str, Any] = event.data
    if event.type.startswith("providers.leg_"):
        return {data["provider_id"]}
    if event.type == "reservation.confirmed.v1":
        return {leg["provider_id"] for leg in data["legs"]}
    return set(data["provider_ids"]) if event.type in ENDS else set()


def letters(reservation_id: UUID) -> Iterator[str]:
    """Yield which thank-you letters were not sent, or are not on record as sent."""
    box = Path(Mailbox.path)
    sent = Counter(box.read_text(encoding="ascii").split()) if box.exists() else Counter()
    for message in Message.objects.filter(reservation_id=reservation_id):
        if message.status != "sent" or not sent[message.message_id]:
            yield f"a letter is {message.status}, and left {sent[message.message_id]} times"
