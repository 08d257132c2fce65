"""The magic products: how a partner treats who buys them."""

from sandbox.magic_input import Does, Magic, Moment


def _product(
    name: str,
    does: Does,
    effect: str,
    *,
    moment: Moment = "book",
    first_only: bool = False,
    code: str = "",
    seconds: float = 0,
) -> Magic:
    return Magic(name, "product", moment, does, effect, first_only, code, seconds)


PRODUCTS = (
    _product("sold-out", Does.REFUSE, "Booking is refused: sold out.", code="sold_out"),
    _product(
        "sold-out-late",
        Does.REFUSE_LATE,
        "Booking is refused, sold out, after a tenth of the hang time (3 s): the last leg to answer.",
        code="sold_out",
    ),
    _product(
        "sold-out-once",
        Does.REFUSE,
        "The first booking is refused: sold out. Later there is room again.",
        first_only=True,
        code="sold_out",
    ),
    _product(
        "expires-soon",
        Does.EXPIRE_SOON,
        "Valid for two seconds after it is quoted, so that it expires before it is confirmed.",
        moment="quote",
        seconds=2,
    ),
    _product(
        "expires-shortly",
        Does.EXPIRE_SOON,
        "Valid for ten seconds after it is quoted: time to confirm it, but none to wait for a partner.",
        moment="quote",
        seconds=10,
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
        "First call: 500, not booked; the booking lands much later (5 min), unless the key has a tombstone by then.",
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
    _product(
        "cancel-refused-once",
        Does.REFUSE,
        "The first cancellation is refused; after a word with the partner the next one is taken.",
        moment="cancel",
        first_only=True,
        code="cancel_refused",
    ),
)
