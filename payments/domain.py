"""The words and rules of Payments: states, what a card token may look like. Pure Python."""

import re
from enum import StrEnum
from typing import Final

from payments.refusals import CardNumberRefused, PaymentDetailsRefused

METHOD_TOKEN: Final = r"^pm_[A-Za-z0-9_]+$"  # noqa: S105 - a pattern, no secret
_DIGITS_IN_A_ROW = re.compile(r"(?:\d[ -]?){12,18}\d")


class PaymentStatus(StrEnum):
    """Where a payment is in its life."""

    READY = "ready"  # details entered, nothing asked of the card
    AUTHORISING = "authorising"  # the processor was, or is about to be, asked
    WAITING = "waiting"  # the customer must act (3-D Secure)
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    DECLINED = "declined"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


IN_FLIGHT: Final = frozenset(
    {PaymentStatus.AUTHORISING, PaymentStatus.WAITING, PaymentStatus.AUTHORISED}
)
TAKEN: Final = frozenset(
    {PaymentStatus.CAPTURED, PaymentStatus.PARTLY_REFUNDED, PaymentStatus.REFUNDED}
)
KEPT: Final = IN_FLIGHT | TAKEN - {PaymentStatus.REFUNDED}
"""What cannot be replaced by other payment details. Money that went back as a whole was never taken."""


def check_method(method: str) -> None:
    """Let a token of the card processor pass; the refusal never repeats what was sent.

    Raises:
        CardNumberRefused: the text holds a card number (13 to 19 digits that pass Luhn's test).
        PaymentDetailsRefused: the text is not a token.
    """
    if any(_passes_luhn(found.group()) for found in _DIGITS_IN_A_ROW.finditer(method)):
        raise CardNumberRefused("send a token of the card processor, never a card number")
    if not re.fullmatch(METHOD_TOKEN, method) or len(method) > 100:
        raise PaymentDetailsRefused("the payment method is a token such as pm_...")


def _passes_luhn(text: str) -> bool:
    """Tell whether the digits of a text have a right check digit (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
