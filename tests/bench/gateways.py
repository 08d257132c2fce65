"""A partner and a card processor inside the process, which answer at once: what is left is our own cost."""

from decimal import Decimal
from typing import Final

from outbound.call import Idempotency, Traits
from outbound.deadline import Deadline
from payments.gateways.protocol import (
    GatewayRefund,
    Intent,
    IntentState,
    NewIntent,
    WebhookEvent,
    WebhookForged,
)
from providers.gateways.protocol import Endpoint, NewOrder, PartnerOffer, PartnerOrder, Query
from providers.refusals import OfferNotFound

TRAITS: Final = Traits(idempotency=Idempotency.A)


class InstantPartner:
    """Says yes to every order."""

    traits = TRAITS

    def search(self, *, partner: Endpoint, query: Query, deadline: Deadline) -> list[PartnerOffer]:
        """Return nothing: the benchmark makes its offers itself."""
        return []

    def quote(self, *, partner: Endpoint, offer_id: str, deadline: Deadline) -> PartnerOffer:
        """Know no offer. Raises: OfferNotFound."""
        raise OfferNotFound(offer_id)

    def book(
        self, *, partner: Endpoint, order: NewOrder, key: str, deadline: Deadline
    ) -> PartnerOrder:
        """Accept the order at its price."""
        return PartnerOrder(
            order_id=key,
            reference=order.reference,
            confirmation_code="INSTANT",
            amount=order.amount,
            currency=order.currency,
        )

    def look_up(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> PartnerOrder | None:
        """Remember nothing."""
        return None

    def cancel(
        self, *, partner: Endpoint, key: str, reference: str, order_id: str, deadline: Deadline
    ) -> bool:
        """Hold nothing that could be cancelled."""
        return False


class InstantCards:
    """Reserves and takes every amount; a payment's id tells all that there is to know of it."""

    traits = TRAITS

    def create(self, *, intent: NewIntent, key: str, deadline: Deadline) -> Intent:
        """Open a payment."""
        intent_id = f"{intent.payment_id}/{intent.amount}/{intent.currency}"
        return _intent(intent_id, IntentState.UNCONFIRMED)

    def retrieve(self, *, intent_id: str, deadline: Deadline) -> Intent:
        """Remember nothing but the payment itself."""
        return _intent(intent_id, IntentState.UNCONFIRMED)

    def confirm(self, *, intent_id: str, key: str, return_url: str, deadline: Deadline) -> Intent:
        """Reserve the amount."""
        return _intent(intent_id, IntentState.AUTHORISED)

    def capture(
        self, *, intent_id: str, amount: Decimal, currency: str, key: str, deadline: Deadline
    ) -> Intent:
        """Take the amount."""
        return _intent(intent_id, IntentState.CAPTURED)

    def cancel(self, *, intent_id: str, deadline: Deadline) -> Intent:
        """Give the reservation of the amount back."""
        return _intent(intent_id, IntentState.CANCELLED)

    def refund(
        self, *, intent_id: str, amount: Decimal, currency: str, key: str, deadline: Deadline
    ) -> GatewayRefund:
        """Give an amount back."""
        return GatewayRefund(id=f"refund:{key}", amount=amount, currency=currency, key=key)

    def refund_rest(self, *, intent_id: str, deadline: Deadline) -> None:
        """Have nothing left to give back."""

    def refunds_of(self, *, intent_id: str, deadline: Deadline) -> list[GatewayRefund]:
        """Remember no refund."""
        return []

    def read_webhook(self, *, body: bytes, signature: str) -> WebhookEvent:
        """Send no messages. Raises: WebhookForged."""
        raise WebhookForged("this processor sends none")


def _intent(intent_id: str, state: IntentState) -> Intent:
    _, amount, currency = intent_id.split("/")
    taken = {IntentState.AUTHORISED: "capturable_amount", IntentState.CAPTURED: "captured_amount"}
    amounts = {"capturable_amount": Decimal(0), "captured_amount": Decimal(0)}
    if state in taken:
        amounts[taken[state]] = Decimal(amount)
    return Intent(id=intent_id, state=state, amount=Decimal(amount), currency=currency, **amounts)
