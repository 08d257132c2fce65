"""What the Payments service says has happened. No card data ever."""

from decimal import Decimal
from uuid import UUID

from eventbus.events import Event, event


@event("payments.authorised.v1", key="reservation_id")
class PaymentAuthorised(Event):
    """The price is reserved on the customer's card, not yet taken."""

    reservation_id: UUID
    payment_id: UUID
    amount: Decimal
    currency: str


@event("payments.declined.v1", key="reservation_id")
class PaymentDeclined(Event):
    """The card was declined; `stage` is authorise or capture, `reason` the processor's stable code."""

    reservation_id: UUID
    payment_id: UUID
    stage: str
    reason: str


@event("payments.captured.v1", key="reservation_id")
class PaymentCaptured(Event):
    """The money was taken."""

    reservation_id: UUID
    payment_id: UUID
    amount: Decimal
    currency: str


@event("payments.voided.v1", key="reservation_id")
class PaymentVoided(Event):
    """An authorisation was given back without taking money."""

    reservation_id: UUID
    payment_id: UUID


@event("payments.refunded.v1", key="reservation_id")
class PaymentRefunded(Event):
    """Money was given back after it had been taken."""

    reservation_id: UUID
    payment_id: UUID
    amount: Decimal
    currency: str
