"""A real card processor in Stripe's shape, on a port of its own."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Server, serve
from sandbox.settings import Durations, Settings

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def card_processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve it; hanging calls hang for two seconds."""
    ledger = tmp_path_factory.mktemp("cards") / "ledger.sqlite3"
    server = serve(ledger_path=ledger, settings=Settings(durations=Durations.from_hang(2.0)))
    yield server
    server.shutdown()


@pytest.fixture
def cards(db: Any, card_processor: Server, settings: Any) -> Server:
    """Point the adapter at it."""
    settings.STRIPE_API_BASE = card_processor.url
    return card_processor
