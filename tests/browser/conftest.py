"""The web admin in a browser, over a world in which something happened: trips, a parked flow, a dead letter."""

from importlib import import_module
from typing import Any

import pytest

from tests.browser.looking import Looking
from tests.integration.booking.conftest import ada, books, partners, sandbox

__all__ = ["ada", "books", "partners", "sandbox"]


@pytest.fixture
def world(transactional_db: None, live_server: Any, books: Any) -> Any:
    """Return the ids of what happened."""
    # Django is not set up yet when pytest reads this file.
    return import_module("tests.browser.story").tell(books)


@pytest.fixture
def looking(page: Any, live_server: Any) -> Looking:
    """Return somebody at a browser."""
    return Looking(page, live_server.url)
