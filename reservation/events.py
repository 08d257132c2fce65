"""What the Reservation service says has happened."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from eventbus.events import Event, event


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One flight, stay or car of a trip; `amount` in units of the event's currency."""

    item_id: UUID
    provider_id: UUID
    kind: str
    title: str
    amount: Decimal
    starts_at: datetime
    starts_at_local: str
    starts_zone: str


@event("reservation.composed.v1", key="reservation_id")
class ReservationComposed(Event):
    """A traveller put a trip together; nothing is held or paid yet."""

    reservation_id: UUID
    account_id: UUID
    amount: Decimal
    currency: str
    legs: tuple[Leg, ...]


@event("reservation.confirmed.v1", key="reservation_id")
class ReservationConfirmed(Event):
    """Every provider has said yes and the money is captured."""

    reservation_id: UUID
    account_id: UUID
    amount: Decimal
    currency: str
    confirmed_at: datetime
    legs: tuple[Leg, ...]


@event("reservation.failed.v1", key="reservation_id")
class ReservationFailed(Event):
    """The trip could not be booked and everything done for it was compensated; `reason` is a stable code."""

    reservation_id: UUID
    account_id: UUID
    provider_ids: tuple[UUID, ...]
    reason: str
    failed_at: datetime


@event("reservation.cancelled.v1", key="reservation_id")
class ReservationCancelled(Event):
    """The traveller (or an operator) cancelled the trip."""

    reservation_id: UUID
    account_id: UUID
    provider_ids: tuple[UUID, ...]
    reason: str
    cancelled_at: datetime
