"""The ground that the workers stand on: servers of their own and a migrated database to copy."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from devstack.binaries import PROJECT
from devstack.postgres import Postgres
from devstack.servers import Servers, with_database
from tests.crash import clock_sql, workshop

TEMPLATE = "crash_template"


@contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    """Start PostgreSQL and Redis, thrown away at the end, and migrate the template.

    Without fsync: what is killed here are processes, never the machine.
    """
    running = Servers(directory=directory, throwaway=True, durable=False, own=True)
    with running:
        assert isinstance(running.postgres, Postgres)
        url = running.postgres.create_database(name=TEMPLATE)
        env = {**os.environ, **workshop.ENVIRONMENT, **running.env, "DATABASE_URL": url}
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=PROJECT, env=env, check=True)
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(clock_sql.FUNCTION)
        yield running


def environment(running: Servers, number: int) -> dict[str, str]:
    """Return what makes the settings of a worker name its own database, broker and bus."""
    database = urlunsplit(urlsplit(running.postgres.url)._replace(path=f"/crash_{number}"))
    return {
        **workshop.ENVIRONMENT,
        "DATABASE_URL": database,
        "REDIS_URL": with_database(running.redis.url, number=2 * number),
        "EVENTBUS_REDIS_URL": with_database(running.redis.url, number=2 * number + 1),
    }


@contextmanager
def directory(number: int) -> Iterator[Path]:
    """Lend a directory to a worker, in memory where there is one."""
    memory = Path("/dev/shm")
    where = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=f"travel-crash-{number}-", dir=where) as path:
        yield Path(path)
