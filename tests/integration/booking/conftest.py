"""A traveller's way to the API, and a sandbox partner network and card processor behind it."""

import random
import uuid
from importlib import import_module

import pytest

from sandbox import server


@pytest.fixture(autouse=True)
def _pauses_are_long(monkeypatch):
    """Let a retry wait as long as it may: full jitter may also mean at once, before a test moves the clock."""
    monkeypatch.setattr(random, "random", lambda: 0.9)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """Serve the sandbox in threads of the test process."""
    running = server.serve(ledger_path=tmp_path_factory.mktemp("sandbox") / "ledger.sqlite")
    yield running
    running.shutdown()


@pytest.fixture
def partners(sandbox, settings, db):
    """Point the gateways at the sandbox and register its partners."""
    settings.SANDBOX_URL = settings.STRIPE_API_BASE = sandbox.url
    # Django is not set up yet when pytest reads this file.
    import_module("providers.services").register_sandbox_partners(base_url=sandbox.url)
    return sandbox


def traveller(email):
    return import_module("tests.integration.booking.traveller").Traveller(email)


@pytest.fixture
def ada(db):
    return traveller("ada@example.com")


@pytest.fixture
def eve(db):
    return traveller("eve@example.com")


@pytest.fixture
def key():
    """Return a new Idempotency-Key."""
    return str(uuid.uuid4())


@pytest.fixture
def books(ada, partners, monkeypatch):
    """Return a traveller's trips; nobody else works, and the clock is put right again."""
    monkeypatch.setattr(import_module("booking.tasks"), "dispatch", lambda saga_id: True)
    trips = import_module("tests.integration.booking.ledgers").Books(ada, partners)
    yield trips
    trips.heal()
    trips.offset = 0.0
    trips.forward(0)
