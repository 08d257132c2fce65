"""Rung 2: a chord. All legs side by side, and the payment when every one is booked."""

from celery import chord

from examples.ladder import outside
from examples.ladder.app import app
from examples.ladder.outside import Trip


@app.task(name="side_by_side.book")
def book(trip: Trip, number: int) -> None:
    """Book one leg."""
    outside.book(trip, number, key=outside.fresh_key())


@app.task(name="side_by_side.pay")
def pay(trip: Trip) -> None:
    """Take the price of all legs."""
    outside.pay(trip, key=outside.fresh_key())


def confirm(trip: Trip) -> None:
    """Book a trip: all legs at once, then the payment."""
    legs = range(len(trip["legs"]))
    chord([book.si(trip, number) for number in legs], pay.si(trip)).apply_async()
