"""The door of the Providers service: partners, offers, orders; book a leg and cancel it; ledgers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from providers.gateways.protocol import AnswerMismatch, UnexpectedAnswer
from providers.ledgers import (
    OrderAtPartner,
    OrderInBooks,
    PartnerLedgers,
    list_partner_orders,
    look_up_orders,
    orders_in_books,
    unlisted_reservations,
)
from providers.models import Order
from providers.offers import Offer, PartnerUnavailable, SearchResult, quote, search
from providers.operations import Book, Cancel, OrderNotFound
from providers.partners import PartnerInvalid, register_partner, register_sandbox_partners
from providers.refusals import (
    AlreadyBooked,
    CancelRefused,
    InvalidSearch,
    OfferExpired,
    OfferNotFound,
    OrderCancelled,
    PriceChanged,
    Refused,
    SoldOut,
    UnknownPlace,
)
from providers.strays import CancelStray

__all__ = [
    "AlreadyBooked",
    "AnswerMismatch",
    "Book",
    "Cancel",
    "CancelRefused",
    "CancelStray",
    "InvalidSearch",
    "Offer",
    "OfferExpired",
    "OfferNotFound",
    "OrderAtPartner",
    "OrderCancelled",
    "OrderDetails",
    "OrderInBooks",
    "OrderNotFound",
    "PartnerInvalid",
    "PartnerLedgers",
    "PartnerUnavailable",
    "PriceChanged",
    "Refused",
    "SearchResult",
    "SoldOut",
    "UnexpectedAnswer",
    "UnknownPlace",
    "list_partner_orders",
    "look_up_orders",
    "orders_in_books",
    "orders_of",
    "orders_of_several",
    "quote",
    "register_partner",
    "register_sandbox_partners",
    "search",
    "unlisted_reservations",
]


@dataclass(frozen=True, kw_only=True)
class OrderDetails:
    """An order at a provider; `amount` in major units. `status` is booked or cancelled."""

    item_id: UUID
    provider_id: UUID
    provider_name: str
    status: str
    partner_reference: str
    confirmation_code: str
    amount: Decimal
    currency: str
    booked_at: datetime | None
    cancelled_at: datetime | None


def orders_of(*, reservation_id: UUID) -> list[OrderDetails]:
    """Return what was ordered for a reservation, in the order of booking; not what was never booked."""
    return orders_of_several(reservation_ids=[reservation_id])


def orders_of_several(*, reservation_ids: Collection[UUID]) -> list[OrderDetails]:
    """Return the same for several reservations, in one statement."""
    rows = Order.objects.filter(reservation_id__in=reservation_ids, booked_at__isnull=False)
    return [
        OrderDetails(
            item_id=order.item_id,
            provider_id=order.partner_id,
            provider_name=order.partner.name,
            status=order.status,
            partner_reference=order.partner_reference,
            confirmation_code=order.confirmation_code,
            amount=order.amount,
            currency=order.currency,
            booked_at=order.booked_at,
            cancelled_at=order.cancelled_at,
        )
        for order in rows.select_related("partner").order_by("booked_at", "id")
    ]
