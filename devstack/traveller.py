"""A traveller who uses the REST API over real HTTP: for the demo and for the tests of whole stories."""

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import httpx

FINAL: Final = frozenset({"confirmed", "failed", "cancelled"})
SEARCHES: Final = {
    "flight": {"origin": "LHR", "destination": "JFK"},
    "stay": {"place": "NYC", "nights": "3"},
    "car": {"place": "JFK", "days": "3"},
}


class NoSuchOfferError(Exception):
    """The search brought no offer of this product."""


class NotFinalError(Exception):
    """The reservation did not come to an end within the time."""


class Traveller:
    """One signed-up traveller; every method is one or a few HTTP requests, answers are parsed JSON."""

    def __init__(self, base_url: str, *, timeout: float = 30.0) -> None:
        """Talk to the API at `base_url` (without /api/v1)."""
        self.http = httpx.Client(base_url=f"{base_url}/api/v1/", timeout=timeout)
        self.email = ""
        self.account_id = ""

    def sign_up(self, email: str | None = None) -> "Traveller":
        """Create an account and keep its token."""
        self.email = email or f"traveller-{secrets.token_hex(6)}@example.com"
        answer = self.post(
            "accounts",
            {
                "email": self.email,
                "password": "correct horse battery staple",
                "full_name": "Ada Traveller",
            },
        )
        self.account_id = answer["account_id"]
        self.http.headers["Authorization"] = f"Token {answer['token']}"
        return self

    def find(self, kind: str, product: str = "standard") -> Mapping[str, Any]:
        """Return an offer of a product ("standard", a magic one, or "partner:product")."""
        partner, _, name = product.rpartition(":")
        when = (date.today() + timedelta(days=100)).isoformat()  # noqa: DTZ011 - a date to travel on
        answer = self.http.get("offers", params={"kind": kind, "date": when, **SEARCHES[kind]})
        for offer in _parsed(answer)["offers"]:
            if offer["product"] == name and offer["offer_id"].startswith(partner or _PARTNER[kind]):
                return dict(offer)
        raise NoSuchOfferError(f"{kind} {product}")

    def compose(self, **products: str) -> str:
        """Put a trip together from one offer for each kind given; return the reservation's id."""
        offers = [self.find(kind, product) for kind, product in products.items()]
        answer = self.post(
            "reservations",
            {
                "offers": [
                    {key: offer[key] for key in ("offer_id", "amount", "currency")}
                    for offer in offers
                ],
                "travellers": [{"given_name": "Ada", "family_name": "Traveller"}],
            },
        )
        return str(answer["id"])

    def pay_with(self, reservation_id: str, card: str) -> Mapping[str, Any]:
        """Enter payment details: a token of the card processor."""
        answer = self.http.put(f"reservations/{reservation_id}/payment", json={"method": card})
        return _parsed(answer)

    def confirm(
        self, reservation_id: str, *, key: str | None = None, wait: int | None = None
    ) -> httpx.Response:
        """Ask for the trip to be booked; the answer is not waited for unless `wait` (seconds) says so."""
        return self._command(f"reservations/{reservation_id}/confirm", key, wait)

    def cancel(
        self, reservation_id: str, *, key: str | None = None, wait: int | None = None
    ) -> httpx.Response:
        """Ask for the trip to be cancelled."""
        return self._command(f"reservations/{reservation_id}/cancel", key, wait)

    def get(self, reservation_id: str) -> Mapping[str, Any]:
        """Return everything about a reservation."""
        return _parsed(self.http.get(f"reservations/{reservation_id}"))

    def timeline(self, reservation_id: str) -> Sequence[Mapping[str, Any]]:
        """Return what happened to a reservation, oldest first."""
        found = _parsed(self.http.get(f"reservations/{reservation_id}/timeline"))
        entries: Sequence[Mapping[str, Any]] = found["timeline"]
        return entries

    def until_final(self, reservation_id: str, *, seconds: float = 60.0) -> Mapping[str, Any]:
        """Poll until the trip is confirmed, failed or cancelled and its saga is over.

        Raises:
            NotFinalError: it was not within `seconds`.
        """
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            found = self.get(reservation_id)
            if found["status"] in FINAL and (found["progress"] or {}).get("finished_at"):
                return found
            time.sleep(0.1)
        raise NotFinalError(f"{reservation_id}: {self.get(reservation_id)}")

    def book(self, *, card: str = "pm_card_visa", seconds: float = 60.0, **products: str) -> str:
        """Compose, pay and confirm a trip and wait for its end; return the reservation's id."""
        reservation_id = self.compose(**products)
        self.pay_with(reservation_id, card)
        self.confirm(reservation_id).raise_for_status()
        self.until_final(reservation_id, seconds=seconds)
        return reservation_id

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post JSON and return the parsed answer.

        Raises:
            httpx.HTTPStatusError: the answer is not a success.
        """
        return _parsed(self.http.post(path, json=body))

    def _command(self, path: str, key: str | None, wait: int | None) -> httpx.Response:
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        return self.http.post(path, headers=headers, json={})


_PARTNER: Final = {"flight": "skyways:", "stay": "restwell:", "car": "wheelio:"}


def _parsed(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise httpx.HTTPStatusError(
            f"{answer.status_code} {answer.text}", request=answer.request, response=answer
        )
    parsed: dict[str, Any] = answer.json()
    return parsed
