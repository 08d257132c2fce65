"""What every test stands on: real PostgreSQL and real Redis, started for the session, thrown away after it.

They start when this file is imported: before Django reads its settings and before any other conftest.
"""

import atexit
import os
import tempfile
from pathlib import Path

import django

from devstack.servers import Servers


def _start_servers() -> None:
    """Start the servers, unless the environment names some; xdist's workers share the controller's."""
    os.environ.setdefault("DJANGO_DEBUG", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if "PYTEST_XDIST_WORKER" in os.environ or os.environ.get("DATABASE_URL"):
        return
    directory = Path(tempfile.mkdtemp(prefix="travel-tests-"))
    servers = Servers(directory=directory, throwaway=True, durable=False)
    servers.start()
    atexit.register(servers.stop)
    os.environ.update(servers.env)


_start_servers()
django.setup()
