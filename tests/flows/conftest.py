"""The whole stack of real processes, once for each way of treating Celery's messages."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from devstack import judge
from devstack.stack import Stack
from devstack.traveller import Traveller
from tests.patience import until

QUICK = {
    "SAGA_CALL_SECONDS": "2",
    "SAGA_LEASE_SECONDS": "4",
    "SAGA_SWEEP_SECONDS": "0.3",
    "SAGA_GRACE_SECONDS": "1.5",
    "SAGA_BACKOFF_SECONDS": "0.15",
    "RECONCILE_SECONDS": "86000",  # a story asks for it: the sweeper's own would come in between
    "SANDBOX_HANG": "3",
    "PAYMENT_QUIET_SECONDS": "2",
    "PARTNER_QUIET_SECONDS": "2",
    "PARTNER_BREAKER_CALLS": "3",
    "PARTNER_BREAKER_SECONDS": "2",
    "PAYMENT_ACTION_SECONDS": "13",
}
PUBLISHED = "SELECT type FROM eventbus_outbox WHERE key = %s ORDER BY id"
STACKS = {
    "once": QUICK | {"SAGA_DISPATCH": "once"},
    "drop": QUICK | {"SAGA_DISPATCH": "drop"},
    "triple": QUICK | {"SAGA_DISPATCH": "triple"},
    # Nobody is late here: on a busy machine a browser finds a payment still waiting for its cardholder.
    "alone": QUICK | {"SAGA_DISPATCH": "once", "PAYMENT_ACTION_SECONDS": "90"},
}
*MODES, ALONE = (pytest.param(name, marks=pytest.mark.stack) for name in STACKS)

ONCE = pytest.mark.parametrize("any_stack", [ALONE], indirect=True)
"""For what does not depend on messages: one stack is enough, and one of its own runs beside the others."""


class Story:
    """One traveller on one running stack, and the judge."""

    def __init__(self, stack: Stack) -> None:
        """Sign up a fresh traveller."""
        self.stack = stack
        self.api = Traveller(stack.urls["web"]).sign_up()

    def ledger(self, reservation_id: str) -> judge.Ledger:
        """Return what the partners and the card processor have on a reservation."""
        return judge.ledger_of(self.stack.urls["sandbox"], reservation_id)

    def orders(self, reservation_id: str) -> dict[str, list[str]]:
        """Return partner -> the states of its orders, as the partners have them."""
        found: dict[str, list[str]] = {}
        for order in self.ledger(reservation_id)["orders"]:
            found.setdefault(order["partner"], []).append(order["status"])
        return found

    def intents(self, reservation_id: str) -> list[str]:
        """Return the states of the payment intents, as the card processor has them."""
        return [intent["status"] for intent in self.ledger(reservation_id)["payment_intents"]]

    def check(self, reservation_id: str) -> None:
        """Fail on any broken invariant."""
        reservation = self.api.get(reservation_id)
        assert judge.violations(reservation, self.ledger(reservation_id)) == []
        final = self.events(reservation_id, "reservation.")
        assert len([name for name in final if name.split(".")[1] in judge.FINAL_FACTS]) == 1, final

    def events(self, reservation_id: str, prefix: str = "") -> list[str]:
        """Return the wire names of the events published about a reservation, in order."""
        with psycopg.connect(self.stack.env["DATABASE_URL"]) as database:
            found = database.execute(PUBLISHED, [reservation_id]).fetchall()
        return [name for (name,) in found if name.startswith(prefix)]

    def bank(self, reservation_id: str, result: str) -> None:
        """Be the customer on the page of their bank, to which the reservation points: succeed or fail."""
        action = until(
            lambda: self.api.get(reservation_id)["progress"]["action"], what="3-D Secure"
        )
        httpx.get(action["url"], params={"result": result}, timeout=30).raise_for_status()

    def outage(self, partner: str, mode: str) -> None:
        """Put a partner (or `cards`) out of order: down, slow, hang; ok ends it."""
        url = f"{self.stack.urls['sandbox']}/control/outage"
        httpx.post(url, json={"partner": partner, "mode": mode}).raise_for_status()

    def parked(self, reservation_id: str) -> Mapping[str, Any]:
        """Wait until the reservation needs a person; return its page."""
        return until(
            lambda: (page := self.api.get(reservation_id))["progress"]["needs_a_person"] and page,
            seconds=60,
            what="a person being asked",
        )

    def saga(self, *arguments: str) -> Any:
        """Run `manage.py saga` and return what it prints as JSON."""
        return json.loads(self.stack.manage("saga", *arguments, "--json").stdout)

    def kinds(self, reservation_id: str, step: str) -> list[str]:
        """Return what happened to a step, in order."""
        entries = self.api.timeline(reservation_id)
        return [entry["kind"] for entry in entries if entry["step"] == step]


@pytest.fixture(scope="session", params=MODES)
def any_stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A running stack, one for each mode: messages sent once, all dropped, all tripled; and one for `ONCE`."""
    yield from _running(tmp_path_factory.mktemp(f"stack-{request.param}"), request.param)


def _running(directory: Path, name: str) -> Iterator[Stack]:
    stack = Stack(
        directory=directory,
        throwaway=True,
        durable=False,
        own_servers=True,
        env=STACKS[name],
    )
    with stack:
        stack.manage("seed")
        yield stack
        _the_books_agree(stack)


def _the_books_agree(stack: Stack) -> None:
    """Let the reconciler compare everything that was played with the ledgers outside: it finds nothing."""
    found: list[dict[str, Any]] = []

    def agree() -> bool:
        done = stack.manage("saga", "audit", "--json", check=False)
        found[:] = json.loads(done.stdout)["discrepancies"]
        return not found and done.returncode == 0

    try:
        until(agree, seconds=60, what="all books agreeing")
    except AssertionError as error:
        raise AssertionError(f"{error}: {json.dumps(found, indent=1)}") from None


@pytest.fixture
def story(any_stack: Stack) -> Story:
    """A fresh traveller on the stack."""
    return Story(any_stack)


@pytest.fixture
def crm(any_stack: Stack) -> Callable[[str], httpx.Client]:
    """Return how to get the API as the staff of a provider (by its slug)."""

    def login(slug: str) -> httpx.Client:
        def seeded() -> bool:
            return f"staff-{slug}@example.com" in any_stack.manage("crm_seed").stdout

        until(seeded, what=f"CRM hearing of {slug}")
        http = httpx.Client(base_url=f"{any_stack.urls['web']}/api/v1/", timeout=30)
        answer = http.post(
            "tokens",
            json={"email": f"staff-{slug}@example.com", "password": "agents-look-after-travellers"},
        )
        answer.raise_for_status()
        http.headers["Authorization"] = f"Token {answer.json()['token']}"
        return http

    return login
