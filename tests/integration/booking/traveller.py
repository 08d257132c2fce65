"""A signed-in traveller, as tests use the API."""

from datetime import timedelta

from django.utils import timezone
from rest_framework.test import APIClient

from booking import commands

PASSWORD = "correct horse battery"
SEARCHES = 3


class Traveller(APIClient):
    """A signed-in traveller."""

    def __init__(self, email):
        super().__init__()
        self.email = email
        account = commands.register_account(email=email, password=PASSWORD, full_name="Ada Trip")
        self.account_id = account.account_id
        self.credentials(HTTP_AUTHORIZATION=f"Token {account.token}")

    def send(self, path, body=None, *, key=None, prefer=None, method="post"):
        """Send JSON to a path under /api/v1/."""
        headers = {"Idempotency-Key": key, "Prefer": prefer}
        sent = {name: value for name, value in headers.items() if value is not None}
        return getattr(self, method)(f"/api/v1/{path}", body, format="json", headers=sent)

    def offer(self, *, product="standard", kind="flight", partner=""):
        """Return an offer of a product, of a partner or whichever comes first, for a day in thirty days."""
        places = {
            "flight": {"origin": "LHR", "destination": "JFK"},
            "stay": {"place": "NYC", "nights": 3},
            "car": {"place": "JFK", "days": 3},
        }
        date = (timezone.now() + timedelta(days=30)).date().isoformat()
        query = {"kind": kind, "date": date, **places[kind]}
        return self.found(query, product=product, partner=partner)

    def found(self, query, *, product, partner=""):
        """Search until the offer is there: on a busy machine a partner may not answer in time."""
        for _ in range(SEARCHES):
            for offer in self.get("/api/v1/offers", query).json()["offers"]:
                if offer["product"] == product and offer["offer_id"].startswith(partner):
                    return offer
        raise LookupError(f"no {product} of {partner or 'anybody'} in {SEARCHES} searches")

    def trip(self, *offers, **changes):
        """Return the body that composes a reservation of offers at their prices."""
        chosen = [
            {name: offer[name] for name in ("offer_id", "amount", "currency")} for offer in offers
        ]
        travellers = [{"given_name": "Ada", "family_name": "Trip", "born_on": "1990-05-17"}]
        return {"offers": chosen, "travellers": travellers, **changes}

    def composed(self, *offers, card=None):
        """Compose a reservation; with a card, enter payment details too; return its page."""
        page = self.send("reservations", self.trip(*(offers or (self.offer(),)))).json()
        if card is None:
            return page
        payment = {"method": card}
        answer = self.send(f"reservations/{page['id']}/payment", payment, method="put")
        assert answer.status_code == 200, answer.content
        return answer.json()
