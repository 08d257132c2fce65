"""A trip, its worker and both sides' books, for the tests of the reconciler."""

import io
import json
import uuid
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
import stripe
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from booking.models import Discrepancy
from booking.orchestrator import engine
from booking.orchestrator.models import SagaInstance
from eventbus.models import OutboxEntry
from sandbox import server

PLACES = {
    "skyways": "flight",
    "budgetair": "flight",
    "restwell": "stay",
    "oldinn": "stay",
    "wheelio": "car",
    "dialacar": "car",
}
REST = 100.0
"""Seconds after which a saga's end is no longer young, and a class C partner may be asked."""


@pytest.fixture
def sandbox(tmp_path):
    """Serve a sandbox of this test alone: what it has of other tests would all be strays."""
    running = server.serve(ledger_path=tmp_path / "ledger.sqlite")
    yield running
    running.shutdown()


class Books:
    """One traveller's trips; this is the only worker, and the database's clock is moved by hand."""

    def __init__(self, ada, sandbox):
        self.ada = ada
        self.url = sandbox.url
        self.offset = 0.0
        self._failed = set()
        self.processor = stripe.StripeClient(
            "sk_test_1", base_addresses={"api": sandbox.url}, max_network_retries=0
        ).v1

    def forward(self, seconds=REST):
        """Move the database's clock of this session ahead."""
        self.offset += seconds
        with connection.cursor() as cursor:
            words = f"{self.offset} seconds"
            cursor.execute("SELECT set_config('booking.clock_offset', %s, false)", [words])

    def offer(self, product):
        """Return the offer of "partner:product"."""
        partner, _, name = product.rpartition(":")
        return self.ada.found(_query(PLACES[partner]), product=name, partner=f"{partner}:")

    def compose(self, *products, card="pm_card_visa"):
        """Put a trip together and enter payment details."""
        page = self.ada.composed(*(self.offer(product) for product in products), card=card)
        return uuid.UUID(page["id"])

    def book(self, *products, card="pm_card_visa"):
        """Compose, confirm, and work until the flow is over or parked."""
        reservation_id = self.compose(*products, card=card)
        return self.confirm(reservation_id)

    def confirm(self, reservation_id):
        """Confirm and work."""
        answer = self.ada.send(f"reservations/{reservation_id}/confirm", key=str(uuid.uuid4()))
        assert answer.status_code == 202, answer.content
        self.work(reservation_id)
        return reservation_id

    def pay(self, reservation_id, card="pm_card_visa"):
        """Enter payment details."""
        path = f"reservations/{reservation_id}/payment"
        answer = self.ada.send(path, {"method": card}, method="put")
        assert answer.status_code == 200, answer.content

    def cancel(self, reservation_id):
        """Cancel and work."""
        self.ada.send(f"reservations/{reservation_id}/cancel", key=str(uuid.uuid4()))
        self.work(reservation_id)

    def work(self, reservation_id, at_most=80):
        """Advance the newest saga, moving the clock, until it ends or is parked; return it."""
        saga = SagaInstance.objects.filter(subject_id=reservation_id).latest("created_at")
        for _ in range(at_most):
            engine.advance(saga.pk)
            saga.refresh_from_db()
            if saga.finished_at or saga.attention_reason:
                return saga
            self.forward(20)
        raise AssertionError(list(saga.calls.values()))

    def status(self, reservation_id):
        """Return what the API says."""
        return self.ada.get(f"/api/v1/reservations/{reservation_id}").json()["status"]

    def land(self):
        """Let everything that was to land much later land now."""
        return httpx.post(f"{self.url}/control/land").json()["landed"]

    def outage(self, partner, mode):
        """Put a partner out of order, or in order again ("ok"); at the end of the test all are (`heal`)."""
        self._failed.add(partner)
        body = {"partner": partner, "mode": mode}
        httpx.post(f"{self.url}/control/outage", json=body).raise_for_status()

    def heal(self):
        """Put in order what is out of order: the sandbox is shared with other tests."""
        for partner in sorted(self._failed):
            self.outage(partner, "ok")

    def there(self, reservation_id):
        """Return what the other side has: order states, and (state, captured, refunded) of payments."""
        reference = {"reference": str(reservation_id)}
        found = httpx.get(f"{self.url}/ledger", params=reference).json()
        refunds = found["refunds"]
        return SimpleNamespace(
            orders=sorted(order["status"] for order in found["orders"]),
            payments=[
                (
                    intent["status"],
                    intent["amount_received"],
                    sum(r["amount"] for r in refunds if r["payment_intent"] == intent["id"]),
                )
                for intent in found["payment_intents"]
            ],
            intents=[intent["id"] for intent in found["payment_intents"]],
            rows=found["orders"],
        )

    def at_partner(self, order, method="DELETE"):
        """Do something to an order behind our back."""
        name = order["id"] if order["partner"] == "oldinn" else order["key"]
        answer = httpx.request(
            method,
            f"{self.url}/partners/{order['partner']}/orders/{name}",
            headers={"authorization": "Bearer sandbox-partner-key"},
        )
        answer.raise_for_status()


def _query(kind):
    places = {
        "flight": {"origin": "LHR", "destination": "JFK"},
        "stay": {"place": "NYC", "nights": 3},
        "car": {"place": "JFK", "days": 3},
    }
    date = (timezone.now() + timedelta(days=30)).date().isoformat()
    return {"kind": kind, "date": date, **places[kind]}


def audit(*words):
    """Run `manage.py saga audit --json`; return (exit status, answer)."""
    out, status = io.StringIO(), 0
    try:
        call_command("saga", "audit", "--json", *words, stdout=out)
    except SystemExit as end:
        status = end.code
    return status, json.loads(out.getvalue())


def kinds(answer):
    """Return (kind, remedy) of everything that an audit found."""
    return [(found["kind"], found["remedy"]) for found in answer["discrepancies"]]


def outcomes():
    """Return (kind, outcome) of every row, oldest first."""
    return list(Discrepancy.objects.order_by("id").values_list("kind", "outcome"))


def told(reservation_id):
    """Return the names of the events about a reservation, in order."""
    rows = OutboxEntry.objects.filter(key=str(reservation_id)).order_by("pk")
    return list(rows.values_list("type", flat=True))
