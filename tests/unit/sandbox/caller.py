"""A caller of the sandbox's partner network."""

import datetime
import typing

import httpx

from sandbox import settings

DATE = (datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=90)).isoformat()
SEARCHES = {
    "flight": {"kind": "flight", "origin": "LHR", "destination": "JFK", "date": DATE},
    "stay": {"kind": "stay", "place": "NYC", "date": DATE, "nights": "3"},
    "car": {"kind": "car", "place": "JFK", "date": DATE, "days": "3"},
}
KINDS = {
    "skyways": "flight",
    "restwell": "stay",
    "wheelio": "car",
    "budgetair": "flight",
    "oldinn": "stay",
    "dialacar": "car",
}
Json = dict[str, typing.Any]


class Partners:
    """A caller of the partner network."""

    def __init__(self, url: str) -> None:
        """Connect with the key that the sandbox expects."""
        key = {"Authorization": f"Bearer {settings.DEFAULT_PARTNER_KEY}"}
        self.http = httpx.Client(base_url=url, headers=key, timeout=10, trust_env=False)

    def search(self, slug: str, **changes: str) -> httpx.Response:
        """Search, with some parameters changed."""
        return self.http.get(f"/partners/{slug}/offers", params=SEARCHES[KINDS[slug]] | changes)

    def offer(self, slug: str, product: str = "standard") -> Json:
        """Find the offer of one product."""
        offers = self.search(slug).json()["offers"]
        return next(offer for offer in offers if offer["product"] == product)

    def quote(self, offer: Json) -> httpx.Response:
        """Ask for the price again."""
        path = f"/partners/{offer['partner']}/quotes"
        return self.http.post(path, json={"offer_id": offer["id"]})

    def book(self, offer: Json, key: str | None = "k1", **changes: typing.Any) -> httpx.Response:
        """Book an offer under a key, or without one."""
        body = {
            "offer_id": offer["id"],
            "amount": offer["amount"],
            "currency": offer["currency"],
            "reference": "r1/leg",
            "travellers": [{"given_name": "Ada", "family_name": "Byron"}],
        } | changes
        path = f"/partners/{offer['partner']}/orders"
        if key is None:
            return self.http.post(path, json=body)
        return self.http.put(f"{path}/{key}", json=body)

    def get(self, slug: str, key: str = "k1") -> httpx.Response:
        """Look an order up."""
        return self.http.get(f"/partners/{slug}/orders/{key}")

    def cancel(self, slug: str, key: str = "k1") -> httpx.Response:
        """Cancel an order."""
        return self.http.delete(f"/partners/{slug}/orders/{key}")

    def ledger(self, reference: str = "") -> Json:
        """Read the ledger."""
        answer: Json = self.http.get("/ledger", params={"reference": reference}).json()
        return answer
