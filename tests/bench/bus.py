"""The bus under a backlog: inside Django, the real relay and consumer outside."""

import statistics
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from django.db import transaction

from booking.events import (
    Leg,
    LegBooked,
    PaymentAuthorised,
    PaymentCaptured,
    ReservationComposed,
    ReservationConfirmed,
)
from eventbus import nudge
from eventbus.events import Event
from eventbus.models import Cursor, OutboxEntry, Stream
from eventbus.publish import publish
from tests.bench import trips

STREAM: Final = "booking"
SECONDS: Final = 60.0
STANDS_STILL: Final = 2.0
"""A consumer notices within a second that its group is paused."""


def story() -> list[Event]:
    """Return what one confirmed trip with three legs publishes."""
    trip, account, payment = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    now, price = datetime.now(UTC), {"amount": Decimal("360.00"), "currency": "EUR"}
    legs = tuple(_leg(kind, provider, now) for kind, provider in trips.partner_ids().items())
    money = {"reservation_id": trip, "payment_id": payment, **price}
    whole = {"reservation_id": trip, "account_id": account, **price, "legs": legs}
    return [
        ReservationComposed(**whole),
        PaymentAuthorised(**money),
        *(_booked(trip, leg) for leg in legs),
        PaymentCaptured(**money),
        ReservationConfirmed(**whole, confirmed_at=now),
    ]


def caught_up() -> None:
    """Wait until relay and consumer are there, and CRM has heard everything that was published."""
    _until(Cursor.objects.filter(group="crm", stream=STREAM).exists, "the consumer to start")
    _until(Stream.objects.filter(name=STREAM).exists, "the relay to start")
    _until(is_caught_up, "CRM to catch up")


def is_caught_up() -> bool:
    """Tell whether CRM has heard everything that was published."""
    return not _unnumbered() and head() == _cursor()


def backlog(count: int) -> tuple[float, float]:
    """Commit a backlog at once; return how fast the relay, then the consumer alone, worked it off."""
    events = [event for _ in range(count) for event in story()]
    _pause(paused=True)
    time.sleep(STANDS_STILL)
    end = head() + len(events)
    with transaction.atomic():
        for event in events:
            publish(event)
    relayed = len(events) / _seconds(lambda: _published() >= end, "the relay")
    start = _cursor()
    _pause(paused=False)
    _until(lambda: _cursor() > start, "CRM to begin")
    begun = _cursor()
    applied = (end - begun) / _seconds(lambda: _cursor() >= end, "CRM")
    return relayed, applied


def cost_of_publishing(count: int) -> dict[str, float]:
    """Return the median milliseconds of publish() in an open transaction, and of the nudge after it."""
    events = [event for _ in range(count) for event in story()]
    publishing, nudging = [], []
    with transaction.atomic():
        for event in events:
            publishing.append(_timed(lambda: publish(event)))  # noqa: B023 - run before the next turn
    for _ in range(len(events)):
        nudging.append(_timed(nudge.of(STREAM)))
    caught_up()
    return {"publish_ms": statistics.median(publishing), "nudge_ms": statistics.median(nudging)}


def _leg(kind: str, provider_id: uuid.UUID, now: datetime) -> Leg:
    return Leg(
        item_id=uuid.uuid4(),
        provider_id=provider_id,
        kind=kind,
        title=f"A {kind}",
        amount=Decimal("120.00"),
        starts_at=now,
        starts_at_local=now.replace(tzinfo=None).isoformat(timespec="minutes"),
        starts_zone="Europe/London",
    )


def _booked(trip: uuid.UUID, leg: Leg) -> LegBooked:
    return LegBooked(
        reservation_id=trip,
        item_id=leg.item_id,
        provider_id=leg.provider_id,
        confirmation_code="INSTANT",
        amount=leg.amount,
        currency="EUR",
    )


def head() -> int:
    return Stream.objects.values_list("head", flat=True).get(name=STREAM)


def _published() -> int:
    return Stream.objects.values_list("published", flat=True).get(name=STREAM)


def _cursor() -> int:
    return Cursor.objects.values_list("position", flat=True).get(group="crm", stream=STREAM)


def _unnumbered() -> bool:
    return OutboxEntry.objects.filter(stream=STREAM, position=None).exists()


def _pause(*, paused: bool) -> None:
    Cursor.objects.filter(group="crm").update(paused=paused)


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - started)


def _seconds(condition: Callable[[], bool], who: str) -> float:
    started = time.perf_counter()
    _until(condition, who)
    return time.perf_counter() - started


def _until(condition: Callable[[], bool], who: str) -> None:
    ends_at = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"waited {SECONDS:.0f} s for {who}")
        time.sleep(0.01)
