"""What the card processor, or this service on its behalf, may refuse."""

from outbound.call import Refusal


class Declined(Refusal):
    """The card was declined: a definite no; `reason` is the processor's own stable code."""

    code = "card_declined"

    def __init__(self, detail: str = "", *, reason: str = "") -> None:
        super().__init__(detail)
        self.reason = reason or self.code


class AuthenticationFailed(Declined):
    """The cardholder did not pass 3-D Secure."""

    code = "authentication_failed"


class AuthorisationLost(Declined):
    """The payment was cancelled at the processor (expired, for instance): nothing can be taken."""

    code = "authorisation_lost"


class PriceMismatch(Declined):
    """The payment details were entered for another price; nothing was asked of the card."""

    code = "price_mismatch"


class PaymentDetailsMissing(Declined):
    """There are no payment details that could be used."""

    code = "payment_details_missing"


class CaptureStands(Refusal):
    """The money was taken: the payment can be refunded, no longer annulled."""

    code = "capture_stands"


class RefundRefused(Refusal):
    """The money cannot be given back this way."""

    code = "refund_refused"


class PaymentDetailsRefused(Refusal):
    """The payment details cannot be used; nothing was stored."""

    code = "payment_details_refused"


class CardNumberRefused(PaymentDetailsRefused):
    """A card number was sent; only a token of the card processor is accepted."""

    code = "card_number_refused"


class PaymentInProgress(PaymentDetailsRefused):
    """The current payment is being used, or was taken: it cannot be replaced."""

    code = "payment_in_progress"
