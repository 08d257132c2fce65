"""Stripe's objects as Payments reads them."""

from typing import Any, Final

import msgspec
import stripe

from payments import refusals
from payments.gateways.protocol import (
    GatewayRefund,
    Intent,
    IntentState,
    LedgerPayment,
    UnexpectedAnswer,
    WebhookEvent,
)
from payments.gateways.stripe_money import to_major

STATES: Final = {
    "requires_confirmation": IntentState.UNCONFIRMED,
    "requires_payment_method": IntentState.REFUSED,
    "requires_action": IntentState.WAITING,
    "processing": IntentState.PROCESSING,
    "requires_capture": IntentState.AUTHORISED,
    "succeeded": IntentState.CAPTURED,
    "canceled": IntentState.CANCELLED,
}
NOT_AUTHENTICATED: Final = "payment_intent_authentication_failure"


def intent(found: stripe.PaymentIntent) -> Intent:
    """Return a payment as it is at Stripe. Raises: UnexpectedAnswer."""
    if found.status not in STATES:
        raise UnexpectedAnswer(f"{found.id} is {found.status}")
    currency = found.currency.upper()
    error = _plain(found.last_payment_error)
    return Intent(
        id=found.id,
        state=STATES[found.status],
        amount=to_major(minor=found.amount, currency=currency),
        currency=currency,
        capturable_amount=to_major(minor=found.amount_capturable, currency=currency),
        captured_amount=to_major(minor=found.amount_received, currency=currency),
        action_url=_action_url(found),
        decline_code=str(error.get("code") or ""),
        decline_reason=str(error.get("decline_code") or error.get("code") or ""),
    )


def _action_url(found: stripe.PaymentIntent) -> str:
    redirect = _plain(found.next_action).get("redirect_to_url") or {}
    return str(redirect.get("url") or "")


def ledger_payment(found: stripe.PaymentIntent) -> LedgerPayment:
    """Return a payment with its charge (`expand`) as an entry of the ledger. Raises: UnexpectedAnswer."""
    if isinstance(found.latest_charge, str):
        raise UnexpectedAnswer(f"{found.id}: the charge was not expanded")
    currency, charge = found.currency.upper(), _plain(found.latest_charge)
    return LedgerPayment(
        intent_id=found.id,
        reservation=str(_plain(found.metadata).get("reservation_id") or ""),
        held=to_major(minor=found.amount_capturable, currency=currency),
        captured=to_major(minor=found.amount_received, currency=currency),
        refunded=to_major(minor=int(charge.get("amount_refunded") or 0), currency=currency),
        currency=currency,
    )


def was_given(found: stripe.Refund) -> bool:
    """Tell whether the money is, or will be, the customer's again."""
    return found.status not in {"failed", "canceled"}


def refund(found: stripe.Refund) -> GatewayRefund:
    """Return a refund. Raises: RefundRefused."""
    if not was_given(found):
        raise refusals.RefundRefused(f"{found.id} {found.status}")
    currency = found.currency.upper()
    return GatewayRefund(
        id=found.id,
        amount=to_major(minor=found.amount, currency=currency),
        currency=currency,
        key=str(_plain(found.metadata).get("key") or ""),
    )


def declined(error: stripe.CardError) -> refusals.Declined:
    """Return what a card error says."""
    if error.code == NOT_AUTHENTICATED:
        return refusals.AuthenticationFailed(message(error), reason=error.code)
    reason = _plain(error.error).get("decline_code") or error.code or ""
    return refusals.Declined(message(error), reason=str(reason)[:100])


def message(error: Exception) -> str:
    """Return what may be shown: the SDK's own text can repeat request parameters."""
    return str(getattr(error, "code", None) or type(error).__name__)


def webhook_event(body: bytes) -> WebhookEvent:
    """Return the message of a body whose signature was checked. Raises: msgspec.MsgspecError."""
    event = msgspec.json.decode(body, type=_WireEvent)
    return WebhookEvent(
        event_id=event.id,
        type=event.type,
        intent_id=event.intent_id,
        payload=msgspec.json.decode(body),
    )


def _plain(found: Any) -> dict[str, Any]:
    """Return one of the SDK's objects, which are no dictionaries, as one."""
    return {} if found is None else dict(found.to_dict())


class _WireObject(msgspec.Struct):
    object: str
    id: str
    payment_intent: str | None = None


class _WireData(msgspec.Struct):
    object: _WireObject


class _WireEvent(msgspec.Struct):
    id: str
    type: str
    data: _WireData

    @property
    def intent_id(self) -> str:
        """Return the payment that the event is about, "" if none."""
        about = self.data.object
        return about.id if about.object == "payment_intent" else about.payment_intent or ""


# What msgspec learns of a type at its first use must not be learnt by several threads at once.
msgspec.json.Decoder(_WireEvent)
