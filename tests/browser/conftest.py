"""The web admin in a browser, over one world in which something happened; the tests share it."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.browser.looking import Looking
from tests.integration.booking.conftest import sandbox

__all__ = ["sandbox"]


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Open the database for the whole file; pytest-django makes one for whoever uses a fixture of this name."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def world(db: None, sandbox: Any) -> Iterator[Any]:
    """Return what happened; it is forgotten after the last test of the file."""
    # Django is not set up yet when pytest reads this file.
    story = import_module("tests.browser.story")
    with story.played(sandbox) as found:
        yield found


@pytest.fixture(scope="module")
def server(world: Any) -> Iterator[LiveServer]:
    """Serve the web admin from threads of this process."""
    running = LiveServer("127.0.0.1")
    yield running
    running.stop()


@pytest.fixture
def looking(page: Any, server: LiveServer) -> Iterator[Looking]:
    """Seat somebody at a browser; in the end they leave the page, which may be asking for news."""
    yield Looking(page, server.url)
    page.goto("about:blank")
