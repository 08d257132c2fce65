"""Legs to book, and the sandbox's own word on what became of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from outbound.call import Call, Original
from providers import services as providers
from sandbox.server import Server

SOON = date.today() + timedelta(days=60)
KIND_OF = {
    "skyways": "flight",
    "budgetair": "flight",
    "restwell": "stay",
    "oldinn": "stay",
    "dialacar": "car",
}


def an_offer(partner: str, product: str = "standard") -> providers.Offer:
    """Search, and return the partner's offer of a product."""
    asked: dict[str, Any] = {"kind": "flight", "origin": "LHR", "destination": "JFK"}
    if KIND_OF[partner] == "stay":
        asked = {"kind": "stay", "place": "NYC", "nights": 2}
    elif KIND_OF[partner] == "car":
        asked = {"kind": "car", "place": "JFK", "days": 2}
    found = providers.search(date=SOON, **asked).offers
    slugs = [offer.offer_id.split(":")[0] for offer in found]
    return next(
        offer
        for offer, slug in zip(found, slugs, strict=True)
        if (slug, offer.product) == (partner, product)
    )


def a_call(offer: providers.Offer, *, seconds: float = 5.0) -> Call:
    """Return the call that books an offer for one traveller."""
    given = {
        "offer_id": offer.offer_id,
        "provider_id": str(offer.provider_id),
        "amount": str(offer.amount),
        "currency": offer.currency,
        "travellers": [{"given_name": "Ada", "family_name": "Byron", "born_on": None}],
    }
    return Call(
        saga_id=uuid4(),
        subject_id=uuid4(),
        step="book",
        item=str(uuid4()),
        key=f"key-{uuid4()}",
        now=datetime.now(UTC),
        given=given,
        seconds=seconds,
    )


def taking_back(call: Call, request: Any, answer: Any = None) -> Call:
    """Return the call that compensates another one, whose outcome is unknown without an answer."""
    result = None if answer is None else answer.__dict__
    original = Original(key=call.key, request=request.__dict__, result=result)
    return Call(**{**call.__dict__, "key": f"{call.key}:cancel", "original": original})


def ledger(sandbox: Server, call: Call) -> list[str]:
    """Return the states of the orders that the sandbox has for a reservation."""
    found = httpx.get(f"{sandbox.url}/ledger", params={"reference": str(call.subject_id)})
    return [order["status"] for order in found.json()["orders"]]
