"""Rung 1: a chain. One task after the other; what could go wrong?"""

from celery import chain

from examples.ladder import outside
from examples.ladder.app import app
from examples.ladder.outside import Trip


@app.task(name="naive.book")
def book(trip: Trip, number: int) -> None:
    """Book one leg."""
    outside.book(trip, number, key=outside.fresh_key())


@app.task(name="naive.pay")
def pay(trip: Trip) -> None:
    """Take the price of all legs."""
    outside.pay(trip, key=outside.fresh_key())


def confirm(trip: Trip) -> None:
    """Book a trip: every leg in order, then the payment."""
    legs = range(len(trip["legs"]))
    every_leg = [book.si(trip, number) for number in legs]
    chain(*every_leg, pay.si(trip)).apply_async()
