"""One user action modifies one aggregate: PostgreSQL itself notes every row that a transaction writes."""

import hashlib
import hmac
import json
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings

from booking.orchestrator import control, engine, store
from config import contexts
from providers import services as providers
from sandbox import server
from tests.architecture.cost import Cost, counted
from tests.integration.booking.traveller import Traveller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("partners")]

AGGREGATES = {
    "identity_user": ("account", "id"),
    "booking_account": ("account", "user_id"),
    "reservation_reservation": ("reservation", "id"),
    "reservation_item": ("reservation", "reservation_id"),
    "reservation_traveller": ("reservation", "reservation_id"),
    "providers_partner": ("partner", "id"),
    "providers_order": ("order", "id"),
    "payments_payment": ("payment", "id"),
    "payments_refund": ("payment", "payment_id"),
}
"""Table -> the aggregate that it belongs to, and the column that tells which one."""

BESIDE = {
    "backoffice_auditentry",
    "saga",
    "saga_step",
    "saga_event",
    "eventbus_outbox",
    "identity_tally",
    "booking_discrepancy",
    "booking_idempotencyrecord",
    "booking_reconciliation",
    "identity_signinlock",
    "knox_authtoken",
    "payments_webhookdelivery",
    "providers_breaker",
}
"""What may be written beside an aggregate: it guards or tells the change."""

NOTE_WRITES = """
    CREATE TABLE noted_write (transaction xid8, relation text, line jsonb);
    CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO noted_write
        VALUES (pg_current_xact_id(), TG_TABLE_NAME, to_jsonb(COALESCE(NEW, OLD)));
        RETURN NULL;
    END $$;
"""
FORGET_WRITES = "DROP FUNCTION note_write() CASCADE; DROP TABLE noted_write"
Written = list[tuple[set[str], set[tuple[str, str]]]]
"""For each transaction: the tables, and the aggregates with their ids."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    """Partners and a card processor in threads of this process."""
    running = server.serve(ledger_path=tmp_path_factory.mktemp("sandbox") / "ledger.sqlite3")
    yield running
    running.shutdown()


@pytest.fixture
def partners(sandbox: server.Server, db: None) -> Iterator[None]:
    """Point the gateways at the sandbox; every message is lost: the tests are the workers."""
    with override_settings(
        SANDBOX_URL=sandbox.url, STRIPE_API_BASE=sandbox.url, SAGA_DISPATCH="drop"
    ):
        providers.register_sandbox_partners(base_url=sandbox.url)
        yield


@pytest.fixture
def written(partners: None) -> Iterator[Callable[[], Written]]:
    """Let PostgreSQL note writes from here on; return how to get what every transaction wrote."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE_WRITES)
        for table in sorted(_tables()):
            cursor.execute(
                f"CREATE TRIGGER zz_note AFTER INSERT OR UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION note_write()"
            )
    yield _written
    with connection.cursor() as cursor:
        cursor.execute(FORGET_WRITES)


def _tables() -> set[str]:
    """Return every table that a process of Booking alone has, Django's own apart."""
    installed = [*contexts.apps_of(["booking"]), "knox"]
    return {
        model._meta.db_table for app in installed for model in apps.get_app_config(app).get_models()
    }


def _written() -> Written:
    tables: dict[str, set[str]] = defaultdict(set)
    aggregates: dict[str, set[tuple[str, str]]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction::text, relation, line::text FROM noted_write")
        for transaction, table, line in cursor.fetchall():
            tables[transaction].add(table)
            if table in AGGREGATES:
                name, key = AGGREGATES[table]
                aggregates[transaction].add((name, str(json.loads(line)[key])))
    return [(tables[transaction], aggregates[transaction]) for transaction in tables]


def one_aggregate_each(written: Written) -> None:
    """Fail unless every transaction wrote one aggregate at most, and else only what may be beside it."""
    for tables, aggregates in written:
        assert len(aggregates) <= 1, f"one transaction wrote {aggregates}"
        assert tables <= AGGREGATES.keys() | BESIDE, tables - AGGREGATES.keys() - BESIDE


def names_in(written: Written) -> set[str]:
    """Return the kinds of aggregates that were written at all."""
    return {name for _, aggregates in written for name, _ in aggregates}


class Trip:
    """A traveller's trip of three legs; the worker is here, so that its statements are seen."""

    def __init__(self, *, card: str = "pm_card_visa", stay: str = "standard") -> None:
        """Sign up, compose, enter payment details."""
        self.total = Cost()
        self.costs: dict[str, Cost] = {}
        self.ada = self._do("sign up", lambda: Traveller(f"{uuid.uuid4().hex}@example.com"))
        products = {"flight": "standard", "stay": stay, "car": "standard"}
        offers = [self.ada.offer(kind=kind, product=name) for kind, name in products.items()]
        body = self.ada.trip(*offers)
        answer = self._do("compose", lambda: self.ada.send("reservations", body))
        self.id = answer.json()["id"]
        path = f"reservations/{self.id}/payment"
        self._do("pay", lambda: self.ada.send(path, {"method": card}, method="put"))

    def confirm(self) -> None:
        """Confirm; nobody works yet."""
        self._command("confirm")

    def cancel(self) -> None:
        """Cancel."""
        self._command("cancel")

    def work(self) -> None:
        """Run the chain, link by link, then whatever a worker would find due."""
        saga_id = store.latest_saga_of(uuid.UUID(self.id)).id
        direction, links = control.remaining_links(saga_id)
        for link in links:
            run = partial(engine.advance, saga_id, link=link, direction=direction)
            self._do(f"link {link}", run)
        for _ in range(5):
            engine.advance(saga_id)

    @property
    def status(self) -> str:
        """Return what the API says."""
        return str(self.ada.get(f"/api/v1/reservations/{self.id}").json()["status"])

    def _command(self, verb: str) -> None:
        path = f"reservations/{self.id}/{verb}"
        answer = self._do(verb, lambda: self.ada.send(path, key=str(uuid.uuid4())))
        assert answer.status_code in {200, 202}, answer.content

    def _do(self, name: str, action: Callable[[], Any]) -> Any:
        with counted(self.total) as self.costs[name]:
            return action()


def test_every_table_of_booking_is_part_of_an_aggregate_or_stands_beside_one() -> None:
    of_the_bus = {m._meta.db_table for m in apps.get_app_config("eventbus").get_models()}

    assert AGGREGATES.keys() | BESIDE == _tables() - of_the_bus | {"eventbus_outbox"}


def test_a_confirmed_trip_modifies_one_aggregate_at_a_time(written: Callable[[], Written]) -> None:
    trip = Trip()
    trip.confirm()
    trip.work()

    assert trip.status == "confirmed"
    one_aggregate_each(written())
    assert names_in(written()) == {"account", "reservation", "payment", "order"}


@pytest.mark.parametrize(
    "refusal", [{"card": "pm_card_declineAtCapture"}, {"stay": "sold-out"}], ids=str
)
def test_a_compensated_trip_modifies_one_aggregate_at_a_time(
    written: Callable[[], Written], refusal: dict[str, str]
) -> None:
    trip = Trip(**refusal)
    trip.confirm()
    trip.work()

    assert trip.status == "failed"
    one_aggregate_each(written())
    assert "order" in names_in(written())


@pytest.mark.parametrize("confirmed", [False, True], ids=["a draft", "while it is confirmed"])
def test_a_cancelled_trip_modifies_one_aggregate_at_a_time(
    written: Callable[[], Written], confirmed: bool
) -> None:
    trip = Trip()
    if confirmed:
        trip.confirm()
    trip.cancel()
    if confirmed:
        trip.work()

    assert trip.status == "cancelled"
    one_aggregate_each(written())


def test_cancelling_a_confirmed_trip_modifies_one_aggregate_at_a_time(
    written: Callable[[], Written],
) -> None:
    trip = Trip()
    trip.confirm()
    trip.work()
    trip.cancel()
    trip.work()

    assert trip.status == "cancelled"
    one_aggregate_each(written())
    assert "payments_refund" in set().union(*(tables for tables, _ in written()))


def test_a_payment_that_the_customer_approves_modifies_one_aggregate_at_a_time(
    written: Callable[[], Written],
) -> None:
    trip = Trip(card="pm_card_authenticationRequired")
    trip.confirm()
    trip.work()
    page = trip.ada.get(f"/api/v1/reservations/{trip.id}").json()["progress"]["action"]["url"]
    httpx.get(page, params={"result": "succeed"}).raise_for_status()
    answer = deliver_webhook(intent_id=page.rpartition("/")[2])
    trip.work()

    assert (answer.status_code, trip.status) == (200, "confirmed")
    one_aggregate_each(written())
    assert any({"payments_webhookdelivery", "saga"} <= tables for tables, _ in written())


def deliver_webhook(*, intent_id: str) -> Any:
    """Send the card processor's message about a payment intent."""
    about = {"object": {"id": intent_id, "object": "payment_intent", "metadata": {}}}
    event = {"id": "evt_one", "object": "event", "api_version": None, "created": 1}
    body = json.dumps({**event, "type": "payment_intent.amount_capturable_updated", "data": about})
    at, secret = int(time.time()), settings.STRIPE_WEBHOOK_SECRET.encode()
    signature = hmac.new(secret, f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={at},v1={signature}"}
    url = "/api/v1/webhooks/cards"
    return Client().post(url, body, content_type="application/json", headers=headers)


def test_a_confirmed_trip_of_three_legs_costs_no_more_than_it_did() -> None:
    trip = Trip()
    trip.confirm()
    trip.work()

    assert trip.status == "confirmed"
    lines = [
        f"{name:20} {cost}\n" for name, cost in (*trip.costs.items(), ("together", trip.total))
    ]
    sys.stdout.writelines(["\n", *lines])
    assert trip.total.statements <= 205
    assert trip.total.transactions <= 55
