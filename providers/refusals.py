"""What a partner may refuse."""

from decimal import Decimal

from outbound.call import Refusal


class Refused(Refusal):
    """The partner said a definite no to an order; nothing was booked."""

    code = "refused"


class SoldOut(Refused):
    """What was offered is gone."""

    code = "sold_out"


class PriceChanged(Refused):
    """The partner would charge another price than the customer saw; `amount` if it said which."""

    code = "price_changed"

    def __init__(self, detail: str = "", *, amount: Decimal | None = None) -> None:
        super().__init__(detail)
        self.amount = amount


class OfferExpired(Refused):
    """The offer's time has run out."""

    code = "offer_expired"


class OrderCancelled(Refused):
    """The order was cancelled under this key, so it cannot be booked under it any more."""

    code = "cancelled"


class AlreadyBooked(Refused):
    """An order of an earlier attempt still stands for this leg; nobody buys it twice."""

    code = "already_booked"


class OfferNotFound(Refused):
    """There is no such offer, or no such partner."""

    code = "offer_not_found"


class CancelRefused(Refusal):
    """The partner said a definite no to a cancellation: the order stands."""

    code = "cancel_refused"


class InvalidSearch(Refusal):
    """No partner can answer what was asked."""

    code = "invalid_search"


class UnknownPlace(InvalidSearch):
    """A place is no airport or city that the partners know (IATA code)."""

    code = "unknown_place"
