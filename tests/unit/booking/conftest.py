"""A saga in memory, and an engine that takes it for the one in PostgreSQL."""

import random
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from booking.orchestrator import engine, store
from tests import toy
from tests.unit.booking.desk import Desk


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Iterator[Desk]:
    """Let the engine work on rows in memory; the dice of its jitter always show one half."""
    settings.SAGA_CALL_SECONDS, settings.SAGA_LEASE_SECONDS = 19.0, 30.0
    settings.SAGA_GRACE_SECONDS = 5.0
    toy.reset()
    made = Desk()
    monkeypatch.setattr(random, "random", lambda: 0.5)
    monkeypatch.setattr(store, "read", lambda saga_id: made.read(saga_id))
    monkeypatch.setattr(engine.together, "transaction", made.transaction)
    yield made
    toy.reset()
