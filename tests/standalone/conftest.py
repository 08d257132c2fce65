"""One context alone: its processes, on a database of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
OTHER = {"crm": "booking", "booking": "crm"}
FORGOTTEN = ("PYTEST_", "COV_CORE_", "COVERAGE_")


class Alone:
    """A context whose neighbour is not installed; every method runs a process of its own."""

    def __init__(self, context: str, *, database_url: str) -> None:
        self.context = context
        self.other = OTHER[context]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FORGOTTEN)}
        self.env = {**kept, "DJANGO_CONTEXTS": context, "DATABASE_URL": database_url}

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `manage.py`."""
        return self._run("manage.py", *arguments)

    def query(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        """Ask its database."""
        with psycopg.connect(self.env["DATABASE_URL"]) as connection:
            return connection.execute(statement).fetchall()

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start `manage.py`; kill it at the end if it still runs."""
        command = [sys.executable, "manage.py", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=self.env, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run tests, on a test database beside its own."""
        return self._run("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)

    @cached_property
    def found(self) -> dict[str, Any]:
        """Return what the probe saw, once everything is migrated."""
        done = self._run("-m", "tests.standalone.probe")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture(scope="session", params=OTHER)
def alone(request: pytest.FixtureRequest) -> Iterator[Alone]:
    """A context alone, with an empty database on the session's server; migrated."""
    name = f"standalone_{request.param}_{os.getpid()}"
    here = urlsplit(os.environ["DATABASE_URL"])
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with psycopg.connect(urlunsplit(here), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        context = Alone(request.param, database_url=urlunsplit(here._replace(path=f"/{name}")))
        done = context.manage("migrate", "--no-input")
        assert done.returncode == 0, done.stderr
        yield context
        for database in (name, f"test_{name}"):
            server.execute(drop.format(sql.Identifier(database)))
