"""A sandbox per test, served on a free port, and clients that speak to it."""

import collections.abc
import dataclasses
import pathlib

import pytest
import stripe

from sandbox import server, settings
from tests.unit.sandbox.caller import Partners

# Slow enough that four callers meet while one is answered, on a busy machine too.
DURATIONS = dataclasses.replace(settings.Durations.from_hang(0.6, late=0.2), slow=1.5)
QUICK = settings.Settings(durations=DURATIONS)


@pytest.fixture
def ledger_path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def sandbox(ledger_path: pathlib.Path) -> collections.abc.Iterator[server.Server]:
    running = server.serve(ledger_path=ledger_path, settings=QUICK)
    yield running
    running.shutdown()


@pytest.fixture
def partners(sandbox: server.Server) -> collections.abc.Iterator[Partners]:
    caller = Partners(sandbox.url)
    yield caller
    caller.http.close()


@pytest.fixture
def processor(sandbox: server.Server) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_1", base_addresses={"api": sandbox.url}, max_network_retries=0
    )
