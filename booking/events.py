"""Booking's published language: what other contexts may know. The only file of Booking that CRM imports."""

from uuid import UUID

from eventbus.events import Event, Sensitive, event
from payments.events import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
)
from providers.events import LegBooked, LegCancelled, LegRefused, PartnerRegistered
from reservation.events import (
    Leg,
    ReservationCancelled,
    ReservationComposed,
    ReservationConfirmed,
    ReservationFailed,
)

__all__ = [
    "AccountErased",
    "AccountRegistered",
    "Leg",
    "LegBooked",
    "LegCancelled",
    "LegRefused",
    "PartnerRegistered",
    "PaymentAuthorised",
    "PaymentCaptured",
    "PaymentDeclined",
    "PaymentRefunded",
    "PaymentVoided",
    "ReservationCancelled",
    "ReservationComposed",
    "ReservationConfirmed",
    "ReservationFailed",
]


@event("booking.account_registered.v1", key="account_id")
class AccountRegistered(Event):
    """A traveller signed up."""

    account_id: UUID
    email: Sensitive[str]
    full_name: Sensitive[str]
    locale: str


@event("booking.account_erased.v1", key="account_id")
class AccountErased(Event):
    """A traveller's account was erased: whoever keeps personal data of it forgets them."""

    account_id: UUID
