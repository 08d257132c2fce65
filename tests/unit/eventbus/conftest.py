"""Registries that a test may add to and that forget it afterwards."""

import pytest

from eventbus import events, subscribe


@pytest.fixture
def registries(monkeypatch):
    """Empty registries of events, upcasters and groups."""
    for module, name in (
        (events, "TYPES"),
        (events, "UPCASTERS"),
        (subscribe, "GROUPS"),
    ):
        monkeypatch.setattr(module, name, {})
