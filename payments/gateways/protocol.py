"""What Payments asks of a card processor, whichever it is. Amounts in major units."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from outbound.call import ErrorAnswered, Traits
from outbound.deadline import Deadline


class UnexpectedAnswer(ErrorAnswered):
    """The processor answered what its interface does not provide for: nothing is known."""


class WebhookForged(Exception):
    """A message was not signed by the processor, or long ago."""

    code = "webhook_forged"


class IntentState(StrEnum):
    """Where a payment is at the processor."""

    UNCONFIRMED = "unconfirmed"  # nothing asked of the card
    REFUSED = "refused"  # the card was declined; another one would be needed
    WAITING = "waiting"  # the cardholder must act
    PROCESSING = "processing"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A payment as the processor holds it; `action_url` is where a waiting cardholder must go."""

    id: str
    state: IntentState
    amount: Decimal
    currency: str
    capturable_amount: Decimal
    captured_amount: Decimal
    action_url: str = ""
    decline_code: str = ""
    decline_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class NewIntent:
    """A payment to open, unconfirmed, to be captured by hand."""

    payment_id: UUID
    reservation_id: UUID
    amount: Decimal
    currency: str
    method: str


@dataclass(frozen=True, kw_only=True)
class GatewayRefund:
    """Money given back; `key` is the one that asked for it."""

    id: str
    amount: Decimal
    currency: str
    key: str


@dataclass(frozen=True, kw_only=True)
class LedgerPayment:
    """A payment in the processor's ledger; `reservation` is what we named it after, "" if it is not ours.

    `held` is reserved on the card, `captured` was taken, `refunded` was given back of that.
    """

    intent_id: str
    reservation: str
    held: Decimal
    captured: Decimal
    refunded: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class LedgerPage:
    """A part of the processor's ledger; `next` asks for the following part, "" when this is the last."""

    payments: list[LedgerPayment]
    next: str


@dataclass(frozen=True, kw_only=True)
class WebhookEvent:
    """A message of the processor whose signature is right; `intent_id` is "" when it names none."""

    event_id: str
    type: str
    intent_id: str
    payload: dict[str, Any]


class Gateway(Protocol):
    """A card processor. Every method may raise `NotSent`, `http.NoAnswer`, or the processor's own errors.

    `lists_payments` declares whether it shows its ledger; otherwise every payment that we know of is
    asked about alone (`ledger_payment`).
    """

    traits: Traits
    lists_payments: bool

    def create(self, *, intent: NewIntent, key: str, deadline: Deadline) -> Intent:
        """Open a payment without asking anything of the card. Raises: PaymentDetailsRefused."""

    def retrieve(self, *, intent_id: str, deadline: Deadline) -> Intent:
        """Return a payment as it is now."""

    def confirm(self, *, intent_id: str, key: str, return_url: str, deadline: Deadline) -> Intent:
        """Ask the card for the amount. Raises: Declined."""

    def capture(
        self, *, intent_id: str, amount: Decimal, currency: str, key: str, deadline: Deadline
    ) -> Intent:
        """Take the amount. Raises: Declined."""

    def cancel(self, *, intent_id: str, deadline: Deadline) -> Intent:
        """Cancel a payment that is not captured, however often; a captured one is returned as it is."""

    def refund(
        self, *, intent_id: str, amount: Decimal, currency: str, key: str, deadline: Deadline
    ) -> GatewayRefund:
        """Give an amount back. Raises: RefundRefused."""

    def refund_rest(self, *, intent_id: str, deadline: Deadline) -> None:
        """Give back all that is left of a captured payment, however often it is asked."""

    def refunds_of(self, *, intent_id: str, deadline: Deadline) -> list[GatewayRefund]:
        """Return what was given back of a payment."""

    def list_payments(
        self, *, created_from: datetime, created_until: datetime, after: str, deadline: Deadline
    ) -> LedgerPage:
        """Return a page of the payments created in [from, until); `after` is "" at first."""

    def ledger_payment(self, *, intent_id: str, deadline: Deadline) -> LedgerPayment:
        """Return one payment as the ledger has it."""

    def read_webhook(self, *, body: bytes, signature: str) -> WebhookEvent:
        """Return a message whose signature is right. Raises: WebhookForged."""
