"""The outside, the same for every rung: the sandbox's partners and card processor, over HTTP."""

import os
import uuid
from decimal import Decimal
from typing import Any

import httpx

Trip = dict[str, Any]
"""id, and legs: partner, offer_id, amount, currency. Plain JSON: it travels in messages."""

SECONDS = 1.0
PARTNERS = {"authorization": "Bearer sandbox-partner-key"}
CARDS = {"authorization": "Bearer sk_test_ladder"}


class Refused(Exception):
    """The other side said a definite no."""


def fresh_key() -> str:
    """Return a key that nobody has used."""
    return uuid.uuid4().hex


def book(trip: Trip, number: int, *, key: str) -> None:
    """Book one leg. Raises: Refused; httpx.HTTPError when it does not work, or nobody knows."""
    leg = trip["legs"][number]
    body = {
        **{name: leg[name] for name in ("offer_id", "amount", "currency")},
        "reference": trip["id"],
        "travellers": [{"given_name": "Ada", "family_name": "Trip"}],
    }
    url = f"{os.environ['SANDBOX_URL']}/partners/{leg['partner']}/orders/{key}"
    answer = httpx.put(url, json=body, headers=PARTNERS, timeout=SECONDS)
    if answer.status_code == 409:
        raise Refused(answer.json()["code"])
    answer.raise_for_status()


def cancel(trip: Trip, number: int, *, key: str) -> None:
    """Cancel one leg; one that was never booked stays so."""
    url = f"{os.environ['SANDBOX_URL']}/partners/{trip['legs'][number]['partner']}/orders/{key}"
    answer = httpx.delete(url, headers=PARTNERS, timeout=SECONDS)
    if answer.status_code != 404:
        answer.raise_for_status()


def pay(trip: Trip, *, key: str) -> None:
    """Take the price of all legs from a test card."""
    cents = int(100 * sum(Decimal(leg["amount"]) for leg in trip["legs"]))
    currency = trip["legs"][0]["currency"].lower()
    opened = _card(
        "",
        key=f"{key}:open",
        amount=str(cents),
        currency=currency,
        capture_method="manual",
        payment_method="pm_card_visa",
        **{"metadata[reservation_id]": trip["id"]},
    )
    _card(f"/{opened['id']}/confirm", key=f"{key}:confirm")
    _card(f"/{opened['id']}/capture", key=f"{key}:capture")


def _card(path: str, *, key: str, **form: str) -> dict[str, Any]:
    url = f"{os.environ['SANDBOX_URL']}/v1/payment_intents{path}"
    headers = {**CARDS, "idempotency-key": key}
    answer = httpx.post(url, data=form, headers=headers, timeout=SECONDS)
    answer.raise_for_status()
    said: dict[str, Any] = answer.json()
    return said
