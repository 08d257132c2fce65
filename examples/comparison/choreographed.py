"""The loser inside a context: reservation, provider and payment talk by events (the winner: `booking/sagas.py`)."""

from typing import Any
from uuid import UUID

from django.db.transaction import atomic
from django.utils import timezone

from eventbus.events import Event, event
from eventbus.publish import publish
from eventbus.subscribe import Group, Meta
from outbound.call import Call, Refusal
from payments import services as payments
from providers import services as providers
from reservation import services as reservation


@event("examples.legs_wanted.v1", key="reservation_id")
class LegsWanted(Event):
    """A trip is wanted; these legs of it are still to be booked."""

    reservation_id: UUID
    legs: tuple[str, ...]


@event("examples.trip_booked.v1", key="reservation_id")
class TripBooked(Event):
    """Every leg is booked."""

    reservation_id: UUID


@event("examples.trip_paid.v1", key="reservation_id")
class TripPaid(Event):
    """The money was taken."""

    reservation_id: UUID


@event("examples.trip_refused.v1", key="reservation_id")
class TripRefused(Event):
    """A provider or the card said no: whoever has done something takes it back."""

    reservation_id: UUID
    reason: str


@event("examples.legs_cancelled.v1", key="reservation_id")
class LegsCancelled(Event):
    """What was booked for a refused trip is cancelled."""

    reservation_id: UUID
    reason: str


of_reservation = Group("losing-reservation", streams=["booking"], start="now")
of_provider = Group("losing-provider", streams=["booking"], start="now")
of_payment = Group("losing-payment", streams=["booking"], start="now")


def confirm_reservation(*, reservation_id: UUID) -> None:
    """Say that a trip is wanted; who does what about it is for the others to know."""
    with atomic():
        reservation.begin_confirmation(reservation_id=reservation_id, at=timezone.now())
        reservation.Hold().apply(_call(reservation_id, reservation_id, "hold"))
        legs = reservation.legs(reservation_id=reservation_id)
        publish(LegsWanted(reservation_id=reservation_id, legs=tuple(legs)))


@of_provider.on(LegsWanted)
def book_leg(event: LegsWanted, meta: Meta) -> UUID:
    trip, (item, *rest) = event.reservation_id, event.legs
    leg = reservation.legs(reservation_id=trip)[item].to_json()
    if refusal := _do(providers.Book(), _call(trip, meta.event_id, "book", item, leg)):
        return publish(TripRefused(reservation_id=trip, reason=refusal.code))
    wanted = LegsWanted(reservation_id=trip, legs=tuple(rest))
    return publish(wanted if rest else TripBooked(reservation_id=trip))


@of_payment.on(TripBooked)
def take_payment(event: TripBooked, meta: Meta) -> UUID:
    trip, price = event.reservation_id, reservation.price(reservation_id=event.reservation_id)
    given = {"amount": str(price.amount), "currency": price.currency}
    for step, operation in {"take": payments.Authorise(), "keep": payments.Capture()}.items():
        if refusal := _do(operation, _call(trip, meta.event_id, step, given=given)):
            return publish(TripRefused(reservation_id=trip, reason=refusal.code))
    return publish(TripPaid(reservation_id=trip))


@of_reservation.on(TripPaid)
def confirm(event: TripPaid, meta: Meta) -> None:
    reservation.Confirm().apply(_call(event.reservation_id, meta.event_id, "confirm"))


@of_provider.on(TripRefused)
def cancel_legs(event: TripRefused, meta: Meta) -> None:
    trip = event.reservation_id
    for order in providers.orders_of(reservation_id=trip):
        _do(providers.Cancel(), _call(trip, meta.event_id, "cancel", str(order.item_id)))
    publish(LegsCancelled(reservation_id=trip, reason=event.reason))


@of_reservation.on(LegsCancelled)
def fail(event: LegsCancelled, meta: Meta) -> None:
    reservation.fail(reservation_id=event.reservation_id, reason=event.reason, at=timezone.now())


def _call(trip: UUID, cause: UUID, step: str, item: str = "", given: Any = None) -> Call:
    own: dict[str, Any] = {"step": step, "key": f"{cause}:{step}", "given": given or {}}
    return Call(saga_id=trip, subject_id=trip, item=item, now=timezone.now(), **own)


def _do(operation: Any, call: Call) -> Refusal | None:
    request = operation.prepare(call)
    try:
        operation.record(operation.call(request, call), call)
    except Refusal as refusal:
        operation.record_refusal(refusal, call)
        return refusal
    return None
