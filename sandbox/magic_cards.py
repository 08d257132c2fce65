"""The magic cards: how the card processor treats who pays with them."""

from sandbox.magic_input import Does, Magic, Moment


def _card(
    name: str, moment: Moment, does: Does, effect: str, *, first_only: bool = False, code: str = ""
) -> Magic:
    return Magic(f"pm_card_{name}", "card", moment, does, effect, first_only, code)


def _challenged(messages: str) -> Magic:
    """Combine 3-D Secure with one of the ways in which webhooks come."""
    also = f"pm_card_{messages}"
    effect = f"3-D Secure, and webhooks as with `{also}`."
    name = f"pm_card_authenticationRequired_{messages}"
    return Magic(name, "card", "confirm", Does.CHALLENGE, effect, also=also)


CARDS = (
    _card("visa", "-", Does.SUCCEED, "Everything succeeds."),
    _card("mastercard", "-", Does.SUCCEED, "Everything succeeds."),
    _card(
        "chargeDeclined",
        "confirm",
        Does.REFUSE,
        "Declined when authorised.",
        code="generic_decline",
    ),
    _card(
        "chargeDeclinedInsufficientFunds",
        "confirm",
        Does.REFUSE,
        "Declined when authorised: insufficient funds.",
        code="insufficient_funds",
    ),
    _card(
        "declineAtCapture",
        "capture",
        Does.REFUSE,
        "Authorised; the capture is declined, and the payment intent cancelled.",
        code="generic_decline",
    ),
    _card(
        "authenticationRequired",
        "confirm",
        Does.CHALLENGE,
        "3-D Secure: the customer must act at /control/3ds/<payment intent>.",
    ),
    _card(
        "authorise_timeout_before",
        "confirm",
        Does.HANG_BEFORE,
        "First confirmation: not authorised, no answer.",
        first_only=True,
    ),
    _card(
        "authorise_timeout_after",
        "confirm",
        Does.HANG_AFTER,
        "First confirmation: authorised, no answer.",
        first_only=True,
    ),
    _card(
        "capture_timeout_before",
        "capture",
        Does.HANG_BEFORE,
        "First capture: not captured, no answer.",
        first_only=True,
    ),
    _card(
        "capture_timeout_after",
        "capture",
        Does.HANG_AFTER,
        "First capture: captured, no answer.",
        first_only=True,
    ),
    _card(
        "captured_much_later",
        "cancel",
        Does.MUCH_LATER,
        "Cancelling an authorisation is answered as done, and yet the money is taken much later (5 min).",
    ),
    _card(
        "slow",
        "confirm",
        Does.SLOW,
        "The confirmation takes a tenth of the hang time (3 s); its idempotency key is in use meanwhile.",
    ),
    _card(
        "error_once",
        "confirm",
        Does.ERROR,
        "First confirmation: 500, kept under its idempotency key; a new key succeeds.",
        first_only=True,
    ),
    _card("duplicateWebhook", "event", Does.DUPLICATE, "Every webhook is delivered twice."),
    _card("lateWebhook", "event", Does.LATE, "Every webhook is delivered late (4 s)."),
    _card(
        "outOfOrderWebhook",
        "event",
        Does.REORDER,
        "The webhook of the authorisation is late (4 s), the others are not.",
    ),
    _card("noWebhook", "event", Does.OMIT, "No webhook is delivered."),
    _challenged("duplicateWebhook"),
    _challenged("lateWebhook"),
    _challenged("outOfOrderWebhook"),
    _challenged("noWebhook"),
)
