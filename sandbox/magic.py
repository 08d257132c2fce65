"""Every magic input in one table: the server obeys it, tests and demo draw from it, the documentation prints it."""

import dataclasses
import enum
from typing import Literal

Where = Literal["product", "card"]
Moment = Literal["quote", "book", "cancel", "confirm", "capture", "event", "-"]


class Does(enum.Enum):
    """What a magic input makes the sandbox do."""

    SUCCEED = "succeed"
    REFUSE = "refuse"
    REFUSE_LATE = "refuse late"
    CHANGE_PRICE = "change price"
    EXPIRE = "expire"
    EXPIRE_SOON = "expire soon"
    SLOW = "slow"
    DRIP = "drip"
    HANG_BEFORE = "hang before"
    HANG_AFTER = "hang after"
    LATE = "late"
    MUCH_LATER = "much later"
    ERROR = "error"
    GARBAGE = "garbage"
    DROP = "drop"
    CHALLENGE = "challenge"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    OMIT = "omit"


@dataclasses.dataclass(frozen=True)
class Magic:
    """One magic input: an offer's product, or a card's payment method token.

    `first_only`: only the first call is affected, counted per offer and reservation, or per payment intent.
    `code`: the refusal that the caller reads.
    """

    name: str
    where: Where
    moment: Moment
    does: Does
    effect: str
    first_only: bool = False
    code: str = ""


def _product(
    name: str,
    does: Does,
    effect: str,
    *,
    moment: Moment = "book",
    first_only: bool = False,
    code: str = "",
) -> Magic:
    return Magic(name, "product", moment, does, effect, first_only, code)


def _card(
    name: str, moment: Moment, does: Does, effect: str, *, first_only: bool = False, code: str = ""
) -> Magic:
    return Magic(f"pm_card_{name}", "card", moment, does, effect, first_only, code)


PRODUCTS = (
    _product("sold-out", Does.REFUSE, "Booking is refused: sold out.", code="sold_out"),
    _product(
        "sold-out-late",
        Does.REFUSE_LATE,
        "Booking is refused, sold out, after a tenth of the hang time (3 s): the last leg to answer.",
        code="sold_out",
    ),
    _product(
        "expires-soon",
        Does.EXPIRE_SOON,
        "Valid for two seconds after it is quoted, so that it expires before it is confirmed.",
        moment="quote",
    ),
    _product(
        "price-changed",
        Does.CHANGE_PRICE,
        "The first booking is refused with a price 12 % higher; from then on quotes and bookings have that price.",
        first_only=True,
    ),
    _product("offer-expires", Does.EXPIRE, "Valid when searched and quoted, expired when booked."),
    _product(
        "refused",
        Does.REFUSE,
        "Booking is refused without a reason that a machine could use.",
        code="refused",
    ),
    _product("slow", Does.SLOW, "Booked; the answer takes a tenth of the hang time (3 s)."),
    _product(
        "slow-drip",
        Does.DRIP,
        "Booked; the answer comes byte by byte over twice the hang time (60 s).",
    ),
    _product(
        "timeout-before",
        Does.HANG_BEFORE,
        "First call: not booked, the connection is held for the hang time (30 s), then dropped.",
        first_only=True,
    ),
    _product(
        "timeout-after",
        Does.HANG_AFTER,
        "First call: booked, the connection is held for the hang time, then dropped.",
        first_only=True,
    ),
    _product(
        "timeout-always-after",
        Does.HANG_AFTER,
        "Booked once, but no booking call is ever answered.",
    ),
    _product(
        "late-effect",
        Does.LATE,
        "First call: no answer; the booking lands later (4 s), unless the key has a tombstone by then.",
        first_only=True,
    ),
    _product(
        "books-much-later",
        Does.MUCH_LATER,
        "First call: 500, not booked; the booking lands much later (2 min), unless the key has a tombstone by then.",
        first_only=True,
    ),
    _product("error-once", Does.ERROR, "First call: 500, not booked.", first_only=True),
    _product("error-always", Does.ERROR, "Every call: 500, not booked."),
    _product(
        "garbage-once",
        Does.GARBAGE,
        "First call: booked, answered 200 with a body that is not JSON.",
        first_only=True,
    ),
    _product(
        "reset-once",
        Does.DROP,
        "First call: not booked, the connection is closed without an answer.",
        first_only=True,
    ),
    _product(
        "cancel-fails-once",
        Does.ERROR,
        "The first cancellation answers 500 and does nothing.",
        moment="cancel",
        first_only=True,
    ),
    _product(
        "cancel-fails",
        Does.ERROR,
        "Every cancellation answers 500 and does nothing.",
        moment="cancel",
    ),
    _product(
        "cancel-refused",
        Does.REFUSE,
        "Every cancellation is refused.",
        moment="cancel",
        code="cancel_refused",
    ),
)

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
        "Cancelling an authorisation is answered as done, and yet the money is taken much later (2 min).",
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
)

TABLE = {magic.name: magic for magic in (*PRODUCTS, *CARDS)}


def at(name: str, moment: Moment) -> Magic | None:
    """Find the magic input of this name, if it acts at this moment."""
    magic = TABLE.get(name)
    return magic if magic and magic.moment == moment else None


def markdown() -> str:
    """Write the table for the documentation."""
    rows = [f"| `{magic.name}` | {magic.where} | {magic.effect} |" for magic in TABLE.values()]
    return "\n".join(["| name | where | what happens |", "|---|---|---|", *rows])
