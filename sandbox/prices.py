"""Prices that depend on what is asked only: the same search, the same price."""

import decimal
import hashlib

from sandbox import geography

# Rough rates against the euro, fixed so that a price does not change from one day to the next.
RATES = {
    "EUR": decimal.Decimal(1),
    "USD": decimal.Decimal("1.10"),
    "GBP": decimal.Decimal("0.86"),
    "CHF": decimal.Decimal("0.95"),
    "JPY": decimal.Decimal(165),
}
EXPONENTS = {"JPY": decimal.Decimal(1)}
FACTORS = {"flex": decimal.Decimal("1.35"), "saver": decimal.Decimal("0.80")}
CENT = decimal.Decimal("0.01")


def dice(*inputs: object, sides: int) -> int:
    """Throw a die that always falls the same way for the same inputs: 0 to sides - 1."""
    digest = hashlib.sha256("|".join(map(str, inputs)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % sides


def in_currency(euros: decimal.Decimal, currency: str) -> decimal.Decimal:
    """Convert euros and round to the currency's smallest unit."""
    return (euros * RATES[currency]).quantize(
        EXPONENTS.get(currency, CENT), rounding=decimal.ROUND_HALF_UP
    )


def raised(amount: decimal.Decimal) -> decimal.Decimal:
    """Raise a price by 12 %, rounded to the digits it has."""
    return (amount * decimal.Decimal("1.12")).quantize(amount, rounding=decimal.ROUND_HALF_UP)


def of_product(euros: decimal.Decimal, product: str) -> decimal.Decimal:
    """Price a product from the ordinary price."""
    return euros * FACTORS.get(product, decimal.Decimal(1))


def flight_euros(
    origin: geography.Place, destination: geography.Place, date: object, partner: str
) -> decimal.Decimal:
    """Price a seat: a fixed part, a part by distance, and a part that depends on the day."""
    km = decimal.Decimal(round(geography.distance_km(origin, destination)))
    day = decimal.Decimal(85 + dice(partner, origin.code, destination.code, date, sides=41)) / 100
    return (40 + km * decimal.Decimal("0.09")) * day


def daily_euros(
    place: geography.Place, date: object, partner: str, days: int, *, least: int, spread: int
) -> decimal.Decimal:
    """Price nights of a room, or days of a car."""
    cents = least * 100 + dice(partner, place.code, date, sides=spread * 100)
    return decimal.Decimal(cents) / 100 * days
