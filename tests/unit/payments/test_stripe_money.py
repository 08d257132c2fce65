"""Stripe's minor units."""

from decimal import Decimal

import pytest

from payments.gateways import stripe_money


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("123.45", "EUR", 12345),
        ("123.4", "EUR", 12340),
        ("1200", "JPY", 1200),
        ("1.230", "KWD", 1230),
        ("500", "ISK", 50000),
        ("500", "UGX", 50000),
    ],
)
def test_an_amount_goes_there_and_back(amount: str, currency: str, minor: int) -> None:
    assert stripe_money.to_minor(amount=Decimal(amount), currency=currency) == minor
    assert stripe_money.to_major(minor=minor, currency=currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1.234", "EUR"), ("1.5", "JPY"), ("1.234", "KWD"), ("1.50", "ISK"), ("0.01", "UGX")],
)
def test_an_amount_that_cannot_be_charged_exactly_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(stripe_money.NotRepresentable):
        stripe_money.to_minor(amount=Decimal(amount), currency=currency)
