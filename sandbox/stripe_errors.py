"""Errors in Stripe's shape."""

from typing import Any

from sandbox.exchange import Answer

DECLINED = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
}


def error(status: int, kind: str, message: str, **more: object) -> Answer:
    """Build {"error": {...}}; its code, or else its type, is its effect in the ledger."""
    body: dict[str, Any] = {"type": kind, "message": message}
    body |= {name: value for name, value in more.items() if value is not None}
    return Answer(status, {"error": body}, str(body.get("code", kind)))


def invalid(
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    status: int = 400,
    **more: object,
) -> Answer:
    """Say that a request cannot be served as it is."""
    return error(status, "invalid_request_error", message, code=code, param=param, **more)


def unexpected_state(intent: dict[str, Any], verb: str) -> Answer:
    """Say that an intent's status does not allow what is asked."""
    message = f"This PaymentIntent's status is {intent['status']}; it cannot be used to {verb}."
    code = "payment_intent_unexpected_state"
    return invalid(message, code=code, payment_intent=intent)


def declined(intent: dict[str, Any], decline_code: str) -> Answer:
    """Say that the card's issuer says no."""
    message = DECLINED[decline_code]
    more = {"code": "card_declined", "decline_code": decline_code, "payment_intent": intent}
    return error(402, "card_error", message, **more)
