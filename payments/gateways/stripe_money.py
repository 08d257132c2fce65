"""Stripe's minor units: its own table of exponents, not ISO 4217's.

Source: docs.stripe.com/currencies (zero-decimal and three-decimal currencies, special cases).
"""

from decimal import Decimal
from typing import Final

ZERO: Final = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
THREE: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# Without cents, and yet sent with two digits that must be zero.
WHOLE_IN_HUNDREDTHS: Final = frozenset({"ISK", "UGX"})


class NotRepresentable(Exception):
    """The amount cannot be charged exactly in this currency."""


def to_minor(*, amount: Decimal, currency: str) -> int:
    """Return an amount in major units as Stripe's integer.

    Raises:
        NotRepresentable: it has more digits than Stripe takes.
    """
    minor = amount.scaleb(_exponent(currency))
    # The last of three digits must be zero; so must the hundredths of a currency without cents.
    step = 10 if currency in THREE else 100 if currency in WHOLE_IN_HUNDREDTHS else 1
    if minor != minor.to_integral_value() or minor % step:
        raise NotRepresentable(f"{amount} {currency}")
    return int(minor)


def to_major(*, minor: int, currency: str) -> Decimal:
    """Return Stripe's integer as an amount in major units."""
    return Decimal(minor).scaleb(-_exponent(currency))


def _exponent(currency: str) -> int:
    return 0 if currency in ZERO else 3 if currency in THREE else 2
