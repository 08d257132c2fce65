"""Gateways to the partners and the card processor on the stage."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from outbound.call import Idempotency, Traits
from outbound.deadline import Deadline
from payments.gateways.protocol import (
    GatewayRefund,
    Intent,
    IntentState,
    NewIntent,
    UnexpectedAnswer,
    WebhookEvent,
    WebhookForged,
)
from payments.refusals import Declined, RefundRefused
from providers.gateways.protocol import AnswerMismatch, Endpoint, NewOrder, PartnerOrder
from providers.refusals import CancelRefused, OrderCancelled, SoldOut
from tests.model.outside import ABSENT, NO, Processor
from tests.property.stage import QUIET_SECONDS, stage


class PartnerGateway:
    """A partner of one class, with a ledger for each leg."""

    lists_orders = False

    def __init__(self, idempotency: Idempotency) -> None:
        """Promise what the class promises."""
        self.traits = Traits(idempotency=idempotency, quiet_seconds=QUIET_SECONDS)

    def book(
        self, *, partner: Endpoint, order: NewOrder, key: str, deadline: Deadline
    ) -> PartnerOrder:
        """Book, once per key or once per request. Raises: SoldOut, OrderCancelled."""
        ledger = stage().partner(order.reference, self.traits.idempotency)

        def effect() -> str:
            stage().orders[key] = order
            return ledger.book(key)

        answer = stage().speak("book", effect)
        if answer == NO and not ledger.orders.get(key):
            raise OrderCancelled(key) if key in ledger.gone else SoldOut("no seats")
        return _order(key, order)

    def look_up(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> PartnerOrder | None:
        """Say what became of a key's order. Raises: OrderCancelled, AnswerMismatch."""
        ledger = stage().partner(reference, self.traits.idempotency)
        found = stage().speak("probe", lambda: ledger.look_up(key))
        if found == ABSENT:
            return None
        if found == NO:
            raise OrderCancelled(key)
        if ledger.orders.get(key, 0) != 1:
            raise AnswerMismatch(f"{ledger.orders} under {reference}")
        return _order(key, stage().orders[key])

    def cancel(
        self, *, partner: Endpoint, key: str, reference: str, order_id: str, deadline: Deadline
    ) -> bool:
        """Cancel what stands. Raises: CancelRefused."""
        ledger = stage().partner(reference, self.traits.idempotency)
        stood = bool(ledger.orders.get(key)) or key in ledger.gone
        if stage().speak("cancel", lambda: ledger.cancel(key)) == NO:
            raise CancelRefused("not this fare")
        return stood


class PartnerA(PartnerGateway):
    """Idempotent by key, and a cancellation leaves a tombstone."""

    def __init__(self) -> None:
        """Be of class A."""
        super().__init__(Idempotency.A)


class PartnerB(PartnerGateway):
    """Idempotent by key."""

    def __init__(self) -> None:
        """Be of class B."""
        super().__init__(Idempotency.B)


class PartnerC(PartnerGateway):
    """To be asked only."""

    def __init__(self) -> None:
        """Be of class C."""
        super().__init__(Idempotency.C)


def _order(key: str, order: NewOrder) -> PartnerOrder:
    return PartnerOrder(
        order_id=f"order:{key}",
        reference=order.reference,
        confirmation_code="ABCDEF",
        amount=order.amount,
        currency=order.currency,
    )


_STATES = {
    "unconfirmed": IntentState.UNCONFIRMED,
    "waiting": IntentState.WAITING,
    "refused": IntentState.REFUSED,
    "authorised": IntentState.AUTHORISED,
    "captured": IntentState.CAPTURED,
    "cancelled": IntentState.CANCELLED,
}


class Cards:
    """The card processor: a payment's id tells its amount; technical errors are saved under their key."""

    lists_payments = False
    traits = Traits(idempotency=Idempotency.A, quiet_seconds=QUIET_SECONDS / 3, saves_errors=True)

    def create(self, *, intent: NewIntent, key: str, deadline: Deadline) -> Intent:
        """Open a payment."""
        intent_id = f"{intent.payment_id}/{intent.amount}/{intent.currency}"
        stage().processors[intent_id] = Processor()
        stage().refunds[intent_id] = {}
        return _intent(intent_id)

    def retrieve(self, *, intent_id: str, deadline: Deadline) -> Intent:
        """Return a payment as it is."""
        stage().speak("probe", lambda: "yes")
        return _intent(intent_id)

    def confirm(self, *, intent_id: str, key: str, return_url: str, deadline: Deadline) -> Intent:
        """Reserve the amount. Raises: Declined."""
        processor = stage().processors[intent_id]
        if stage().words.get("authorise", ["ok"])[:1] == ["wait"]:
            stage().word("authorise")
            if processor.state == "unconfirmed":
                processor.state = "waiting"
            return _intent(intent_id)
        answer = self._speak("authorise", key, processor, lambda: processor.authorise(key))
        if answer == NO and processor.state in {"unconfirmed", "refused", "waiting"}:
            processor.state = "refused"
            raise Declined("declined", reason="card_declined")
        return _intent(intent_id)

    def capture(
        self, *, intent_id: str, amount: Decimal, currency: str, key: str, deadline: Deadline
    ) -> Intent:
        """Take the amount. Raises: Declined."""
        processor = stage().processors[intent_id]
        answer = self._speak("capture", key, processor, lambda: processor.capture(key))
        if answer == NO and processor.state == "authorised":
            raise Declined("declined", reason="expired_card")
        return _intent(intent_id)

    def cancel(self, *, intent_id: str, deadline: Deadline) -> Intent:
        """Give the reservation of the amount back, unless it was taken."""
        processor = stage().processors[intent_id]
        stage().speak("void", lambda: processor.annul(""))
        return _intent(intent_id)

    def refund(
        self, *, intent_id: str, amount: Decimal, currency: str, key: str, deadline: Deadline
    ) -> GatewayRefund:
        """Give an amount back, once per key. Raises: RefundRefused."""
        processor, refunds = stage().processors[intent_id], stage().refunds[intent_id]

        def effect() -> str:
            if (answer := processor.refund(key)) == "yes":
                refunds[key] = str(amount)
            return answer

        if self._speak("refund", key, processor, effect) == NO:
            raise RefundRefused("not any more")
        return GatewayRefund(id=f"refund:{key}", amount=amount, currency=currency, key=key)

    def refund_rest(self, *, intent_id: str, deadline: Deadline) -> None:
        """Give back all that is left of a captured payment."""
        stage().processors[intent_id].void("")

    def refunds_of(self, *, intent_id: str, deadline: Deadline) -> list[GatewayRefund]:
        """Return what was given back."""
        stage().speak("probe", lambda: "yes")
        return [
            GatewayRefund(id=f"refund:{key}", amount=Decimal(amount), currency="EUR", key=key)
            for key, amount in stage().refunds[intent_id].items()
        ]

    def read_webhook(self, *, body: bytes, signature: str) -> WebhookEvent:
        """Return a message. Raises: WebhookForged."""
        if signature != "signed":
            raise WebhookForged("not signed")
        told: dict[str, Any] = json.loads(body)
        return WebhookEvent(
            event_id=told["id"], type=told["type"], intent_id=told["intent"], payload=told
        )

    def _speak(self, operation: str, key: str, processor: Processor, effect: Any) -> str:
        if processor.saved.get(key) == "trouble":
            raise UnexpectedAnswer("500, as before")
        if stage().words.get(operation, ["ok"])[:1] == ["saved"]:
            stage().word(operation)
            processor.saved[key] = "trouble"
            raise UnexpectedAnswer("500")
        return stage().speak(operation, effect)


def _intent(intent_id: str) -> Intent:
    _, amount, currency = intent_id.split("/")
    state = stage().processors[intent_id].state
    nothing = Intent(
        id=intent_id,
        state=_STATES[state],
        amount=Decimal(amount),
        currency=currency,
        capturable_amount=Decimal(0),
        captured_amount=Decimal(0),
        action_url="https://bank.example/3ds",
        decline_reason="card_declined" if state == "refused" else "",
    )
    if state == "authorised":
        return replace(nothing, capturable_amount=Decimal(amount))
    if state == "captured":
        return replace(nothing, captured_amount=Decimal(amount))
    return nothing
