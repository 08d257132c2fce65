"""Rung 3: retries. A task that fails is tried again, and one whose worker died is given to another."""

from typing import Any

import httpx
from celery import chord

from examples.ladder import outside
from examples.ladder.app import app
from examples.ladder.outside import Trip

AGAIN: dict[str, Any] = {
    "autoretry_for": (httpx.HTTPError,),
    "max_retries": 5,
    "default_retry_delay": 0.2,
    "acks_late": True,  # the message is gone only when the task has ended
}


@app.task(name="retries.book", **AGAIN)
def book(trip: Trip, number: int) -> None:
    """Book one leg."""
    outside.book(trip, number, key=outside.fresh_key())


@app.task(name="retries.pay", **AGAIN)
def pay(trip: Trip) -> None:
    """Take the price of all legs."""
    outside.pay(trip, key=outside.fresh_key())


def confirm(trip: Trip) -> None:
    """Book a trip: all legs at once, then the payment."""
    legs = range(len(trip["legs"]))
    chord([book.si(trip, number) for number in legs], pay.si(trip)).apply_async()
