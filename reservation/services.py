"""The door of the Reservation service: compose, hold, confirm, cancel; itinerary and price."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from eventbus.publish import publish
from outbound.call import Refusal
from reservation.composition import (
    CompositionRefused,
    EmptyReservation,
    MixedCurrencies,
    NewItem,
    NewTraveller,
    NoTravellers,
    OfferExpired,
    check_travellers,
    compose,
    name_travellers,
)
from reservation.details import all_details_of, is_under_way, of_account
from reservation.domain import OPEN, IllegalTransition, Status
from reservation.itinerary import (
    ItemDetails,
    LegDetails,
    NotCancelling,
    Price,
    RefundQuote,
    ReservationDetails,
    ReservationNotFound,
    ReservationSummary,
    Standing,
    TravellerDetails,
    details,
    legs,
    of,
    price,
    refund_quote,
    row_of,
    standings,
)
from reservation.operations import (
    CloseCancellation,
    Confirm,
    Hold,
    QuoteRefund,
    Release,
    WithdrawQuote,
)

__all__ = [
    "OPEN",
    "CloseCancellation",
    "CompositionRefused",
    "Confirm",
    "EmptyReservation",
    "Hold",
    "IllegalTransition",
    "ItemDetails",
    "LegDetails",
    "MixedCurrencies",
    "NewItem",
    "NewTraveller",
    "NoTravellers",
    "NotCancellable",
    "NotCancelling",
    "NotConfirmable",
    "OfferExpired",
    "Price",
    "QuoteRefund",
    "RefundQuote",
    "Release",
    "ReservationDetails",
    "ReservationNotFound",
    "ReservationSummary",
    "Standing",
    "Status",
    "TravellerDetails",
    "TravellersClosed",
    "WithdrawQuote",
    "all_details_of",
    "begin_cancellation",
    "begin_confirmation",
    "cancel",
    "cancel_draft",
    "change_travellers",
    "compose",
    "details",
    "fail",
    "is_under_way",
    "keep",
    "legs",
    "of",
    "of_account",
    "price",
    "refund_quote",
    "standings",
]


class NotConfirmable(Refusal):
    """Only a draft, or a reservation whose last attempt failed, can be confirmed."""

    code = "reservation_not_confirmable"


class NotCancellable(Refusal):
    """A reservation in this state cannot be cancelled here."""

    code = "reservation_not_cancellable"


class TravellersClosed(Refusal):
    """Who travels can be changed while nothing is booked for them: in a draft, or after it failed."""

    code = "travellers_closed"


def change_travellers(*, reservation_id: UUID, travellers: Sequence[NewTraveller]) -> None:
    """Name others in place of who was to travel.

    Raises:
        NoTravellers: nobody is named.
        TravellersClosed: it is being confirmed, or over.
        ReservationNotFound: there is none.
    """
    check_travellers(travellers)
    with transaction.atomic():
        reservation = row_of(reservation_id, lock=True)
        if reservation.status not in OPEN:
            raise TravellersClosed(f"the reservation is {reservation.status}")
        reservation.travellers.all().delete()
        name_travellers(reservation, travellers)
        reservation.save()


def begin_confirmation(*, reservation_id: UUID, at: datetime) -> datetime:
    """Lock the reservation for the confirming saga: draft or failed -> confirming.

    Returns when the first of its offers expires.

    Raises:
        NotConfirmable: it is in another state.
        ReservationNotFound: there is none.
    """
    with transaction.atomic():
        reservation = row_of(reservation_id, lock=True)
        try:
            reservation.begin_confirmation()
        except IllegalTransition as error:
            raise NotConfirmable(f"the reservation is {reservation.status}") from error
        reservation.save()
        return min(item.expires_at for item in reservation.items.all())


def cancel_draft(*, reservation_id: UUID, at: datetime, reason: str = "by_traveller") -> None:
    """Cancel a reservation that nobody has begun to confirm.

    Raises:
        NotCancellable: it is no draft.
        ReservationNotFound: there is none.
    """
    with transaction.atomic():
        reservation = row_of(reservation_id, lock=True)
        if reservation.status != Status.DRAFT:
            raise NotCancellable(f"the reservation is {reservation.status}")
        publish(reservation.cancel(reason=reason, at=at))
        reservation.save()


def begin_cancellation(*, reservation_id: UUID, at: datetime) -> None:
    """Lock a confirmed reservation for the cancelling saga; `at` fixes what will come back.

    Raises:
        NotCancellable: it is not confirmed.
        ReservationNotFound: there is none.
    """
    with transaction.atomic():
        reservation = row_of(reservation_id, lock=True)
        if reservation.status != Status.CONFIRMED:
            raise NotCancellable(f"the reservation is {reservation.status}")
        reservation.begin_cancellation(at=at)
        reservation.save()


def fail(*, reservation_id: UUID, reason: str, at: datetime) -> None:
    """Close an attempt that could not be booked; `reason` is a stable code. Twice acts once.

    Raises:
        IllegalTransition: no attempt is under way.
    """
    with transaction.atomic():
        reservation = row_of(reservation_id, lock=True)
        if reservation.status == Status.FAILED:
            return
        publish(reservation.fail(reason=reason, at=at))
        reservation.save()


def cancel(*, reservation_id: UUID, reason: str, at: datetime) -> None:
    """Close a reservation as cancelled; `reason` is a stable code. Twice acts once.

    Raises:
        IllegalTransition: it is confirmed (`begin_cancellation` first) or has failed.
    """
    with transaction.atomic():
        reservation = row_of(reservation_id, lock=True)
        if reservation.status == Status.CANCELLED:
            return
        publish(reservation.cancel(reason=reason, at=at))
        reservation.save()


def keep(*, reservation_id: UUID, reason: str, at: datetime) -> None:
    """Go back to confirmed when a cancellation cancelled nothing. Twice acts once.

    Raises:
        IllegalTransition: no cancellation is under way.
    """
    with transaction.atomic():
        reservation = row_of(reservation_id, lock=True)
        if reservation.status == Status.CONFIRMED:
            return
        reservation.keep()
        reservation.save()
