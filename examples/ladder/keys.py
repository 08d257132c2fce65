"""Rung 4: idempotency keys. However often a leg is asked for, it is one leg."""

from celery import chord

from examples.ladder import outside
from examples.ladder.app import app
from examples.ladder.outside import Trip
from examples.ladder.retries import AGAIN


@app.task(name="keys.book", **AGAIN)
def book(trip: Trip, number: int) -> None:
    """Book one leg, under a key that follows from what is wanted."""
    outside.book(trip, number, key=f"{trip['id']}:{number}")


@app.task(name="keys.pay", **AGAIN)
def pay(trip: Trip) -> None:
    """Take the price of all legs, once."""
    outside.pay(trip, key=trip["id"])


def confirm(trip: Trip) -> None:
    """Book a trip: all legs at once, then the payment."""
    legs = range(len(trip["legs"]))
    chord([book.si(trip, number) for number in legs], pay.si(trip)).apply_async()
