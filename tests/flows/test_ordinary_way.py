"""The ordinary Django way: the README's own commands, as plain processes, from environment variables."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from psycopg import sql

from devstack import judge, ports
from devstack.traveller import Traveller
from tests.architecture import documents
from tests.howto import following
from tests.patience import until

README = documents.shell("README.md", "The ordinary Django way")
OWN = "python -m sandbox"
"""Given with the development requirements, as the README says of it."""
TRIP = {"flight": "standard", "stay": "standard", "car": "standard"}


class Terminals:
    """The terminals in which somebody types what the README says, in a folder that has nothing but the project."""

    def __init__(self, project: Path, database_url: str) -> None:
        self.web, sandbox = ports.free_port(), ports.free_port()
        self.sandbox_url = f"http://127.0.0.1:{sandbox}"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.typed: set[str] = set()
        self._project = project
        self._instead = {
            "8000": str(self.web),
            "8900": str(sandbox),
            "runserver": f"runserver 127.0.0.1:{self.web}",
        }
        self._set = {
            "DATABASE_URL": database_url,
            "REDIS_URL": os.environ["REDIS_URL"],
            "EVENTBUS_REDIS_URL": os.environ["EVENTBUS_REDIS_URL"],
            "SANDBOX_URL": self.sandbox_url,
        }

    def run(self, line: str) -> str:
        """Type a command of the README and wait for its end."""
        return self.ask(self._as_typed(line))

    def ask(self, line: str) -> str:
        """Type any command and wait for its end."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self._project,
            env=self._env(line),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def fill_in(self) -> None:
        """Set in `.env` what the README says is to be set there."""
        file = self._project / ".env"
        kept = [
            line for line in file.read_text().splitlines() if line.split("=")[0] not in self._set
        ]
        file.write_text("\n".join([*kept, *(f"{k}={v}" for k, v in self._set.items()), ""]))

    def start(self, line: str) -> None:
        """Type a command that goes on."""
        with self._log(line).open("wb") as log:
            self.running[line] = subprocess.Popen(
                shlex.split(self._as_typed(line)),
                cwd=self._project,
                env=self._env(line),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self, line: str) -> str:
        """Return what a process has printed so far."""
        return self._log(line).read_text()

    def end(self) -> dict[str, int]:
        """Send SIGTERM to every process, one after the other; return command -> exit status."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        return {line: process.wait(timeout=30) for line, process in self.running.items()}

    def kill(self) -> None:
        """End what is left, children included: runserver has one."""
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _log(self, line: str) -> Path:
        return self._project / f"{re.sub(r'[^a-z]+', '-', line)}.log"

    def _env(self, line: str) -> dict[str, str]:
        """Return an environment of which the project knows nothing: what it needs stands in `.env`."""
        path = os.environ["PATH"].split(os.pathsep)
        python = (
            Path(sys.executable).parent if line.startswith(OWN) else self._project / ".venv/bin"
        )
        return {
            "PATH": os.pathsep.join([str(python), *path]),
            "HOME": os.environ["HOME"],
            "PYTHONUNBUFFERED": "1",
            "PIP_NO_COMPILE": "1",  # half the time
        }

    def _as_typed(self, line: str) -> str:
        assert line in README, f"the README does not say: {line}"
        self.typed.add(line)
        for written, instead in self._instead.items():
            line = line.replace(written, instead)
        return line


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    """Terminals in a copy of the project, over an empty database of their own."""
    here = urlsplit(os.environ["DATABASE_URL"])
    name = f"ordinary_{os.getpid()}"
    with psycopg.connect(urlunsplit(here), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        typed = Terminals(
            following.copied(tmp_path).root, urlunsplit(here._replace(path=f"/{name}"))
        )
        yield typed
        typed.kill()
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def written(words: str) -> str:
    """Return the README's line that contains the words."""
    found = [line for line in README if words in line]
    assert len(found) == 1, f"{words}: {found}"
    return found[0]


def test_a_trip_is_booked_by_the_readme_s_commands_and_all_end_by_sigterm(
    terminals: Terminals,
) -> None:
    worker, sweeper = written("celery -A config worker"), written("saga sweep")
    for words in ("-m venv", "pip install", "cp .env"):
        terminals.run(written(words))
    terminals.fill_in()
    for words in ("manage.py migrate", "mkdir"):
        terminals.run(written(words))
    terminals.start(written("python -m sandbox"))
    terminals.run(written("manage.py seed"))
    for line in (worker, *map(written, ("runserver", "eventbus relay", "eventbus consume"))):
        terminals.start(line)
    until(lambda: _answers(f"http://127.0.0.1:{terminals.web}/readyz"), what="the web server")
    until(lambda: "[queues]" in terminals.said(worker), what="the worker")

    traveller = Traveller(f"http://127.0.0.1:{terminals.web}").sign_up()
    by_the_worker_alone = traveller.book(**TRIP)
    terminals.start(sweeper)
    until(lambda: "sweeping" in terminals.said(sweeper), what="the sweeper")
    with_the_sweeper = traveller.book(**TRIP)

    for reservation_id in (by_the_worker_alone, with_the_sweeper):
        reservation = traveller.get(reservation_id)
        ledger = judge.ledger_of(terminals.sandbox_url, reservation_id)
        assert reservation["status"] == "confirmed"
        assert judge.violations(reservation, ledger) == []
        until(lambda key=reservation_id: _heard(terminals, key), what="CRM hearing of the trip")
    assert terminals.end() == dict.fromkeys(terminals.running, 0)
    assert terminals.typed == set(README)


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False


def _heard(terminals: Terminals, reservation_id: str) -> bool:
    """Tell whether CRM's handler of the confirmed trip is done, as `manage.py eventbus trace` says."""
    said = terminals.ask(f"python manage.py eventbus trace --key {reservation_id} --json")
    return {
        (event["type"], reaction["handler"].rpartition(".")[2], reaction["status"])
        for event in json.loads(said)
        for reaction in event["reactions"]
    } >= {("reservation.confirmed.v1", "record_confirmed_trip", "done")}
