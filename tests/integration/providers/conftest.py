"""A real sandbox on a port of its own, and its partners registered."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers import services as providers
from sandbox.server import Server, serve
from sandbox.settings import Durations, Settings

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the partner network; hanging calls hang for two seconds, late ones land after half a second."""
    ledger = tmp_path_factory.mktemp("sandbox") / "ledger.sqlite3"
    settings = Settings(durations=Durations.from_hang(2.0, late=0.5))
    server = serve(ledger_path=ledger, settings=settings)
    yield server
    server.shutdown()


@pytest.fixture
def partners(db: Any, sandbox: Server) -> Server:
    """Register every partner of the network."""
    providers.register_sandbox_partners(base_url=sandbox.url)
    return sandbox
