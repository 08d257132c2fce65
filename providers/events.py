"""What the Providers service says has happened."""

from decimal import Decimal
from uuid import UUID

from eventbus.events import Event, event


@event("providers.partner_registered.v1", key="provider_id")
class PartnerRegistered(Event):
    """An airline, hotel or car rental company can be booked; `kind` is flight, stay or car."""

    provider_id: UUID
    slug: str
    name: str
    kind: str


@event("providers.leg_booked.v1", key="reservation_id")
class LegBooked(Event):
    """A provider accepted an order for one leg."""

    reservation_id: UUID
    item_id: UUID
    provider_id: UUID
    confirmation_code: str
    amount: Decimal
    currency: str


@event("providers.leg_refused.v1", key="reservation_id")
class LegRefused(Event):
    """A provider refused an order for one leg; `reason` is a stable code such as `sold_out`."""

    reservation_id: UUID
    item_id: UUID
    provider_id: UUID
    reason: str


@event("providers.leg_cancelled.v1", key="reservation_id")
class LegCancelled(Event):
    """An order at a provider was cancelled (or surely does not exist)."""

    reservation_id: UUID
    item_id: UUID
    provider_id: UUID
