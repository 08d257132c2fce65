"""What every test stands on: real PostgreSQL and real Redis, started for the session, thrown away after it.

They start when this file is imported: before Django reads its settings and before any other conftest.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import django
import pytest
from django.conf import settings
from xdist.scheduler import LoadScopeScheduling

from devstack.servers import Servers
from tests import emptying, hashing


def _start_servers() -> None:
    """Start the servers, unless the environment names some; xdist's workers share the controller's."""
    os.environ.setdefault("DJANGO_DEBUG", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault(
        "API_RATE_FACTOR", "1000"
    )  # tests do in a minute what people do in a month
    (Path(__file__).parent.parent / "var" / "static").mkdir(parents=True, exist_ok=True)
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        _use_redis_databases(2 + 2 * int(worker.removeprefix("gw")))
        return
    if os.environ.get("DATABASE_URL"):
        return
    directory = Path(tempfile.mkdtemp(prefix="travel-tests-"))
    servers = Servers(directory=directory, throwaway=True, durable=False)
    servers.start()
    atexit.register(servers.stop)
    os.environ.update(servers.env)


def _use_redis_databases(first: int) -> None:
    """Give this worker two Redis databases of its own: the tests of the bus empty theirs.

    In a worker Django has read its settings before this file, so they are told, too.
    """
    for name, number in (("REDIS_URL", first), ("EVENTBUS_REDIS_URL", first + 1)):
        url = urlunsplit(urlsplit(os.environ[name])._replace(path=f"/{number}"))
        os.environ[name] = url
        setattr(settings, name, url)
    settings.CELERY_BROKER_URL = settings.REDIS_URL


_start_servers()
django.setup()
emptying.take_over()
settings.PASSWORD_HASHERS = hashing.QUICK


class Rooms(LoadScopeScheduling):
    """Keep a file on one worker, and all stories of one running stack, so that each stack starts once.

    xdist's own groups do nothing here: it marks them in a field that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        mode = _STACK.search(nodeid)
        return f"stack {mode[1]}" if mode else nodeid.partition("::")[0]


_STACK: Final = re.compile(r"^tests/flows/.*\[(?:.*-)?(once|drop|triple|alone)(?:-.*)?\]$")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Rooms:
    """Let xdist deal out rooms."""
    return Rooms(config, log)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Start the machine's own Chromium; without one, tests of the web admin in a browser are skipped.

    Playwright's loop runs in this thread until the session ends, and Django would refuse to work beside it.
    """
    found = [path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))]
    if not found:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    alone = ("background-networking", "component-update", "quic", "sync", "dev-shm-usage")
    return {
        "executable_path": found[0],
        "args": ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in alone)],
    }
