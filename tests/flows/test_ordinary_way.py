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
from tests.flows.conftest import until

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "README.md").read_text().partition("### The ordinary Django way\n")[2]
LINES = [
    line.split("#")[0].strip()
    for block in re.findall(r"^```sh\n(.*?)^```", SECTION.partition("\n#")[0], re.S | re.M)
    for line in block.splitlines()
]
TRIP = {"flight": "standard", "stay": "standard", "car": "standard"}


class Terminals:
    """The terminals in which somebody types what the README says."""

    def __init__(self, directory: Path, database_url: str) -> None:
        self.web, sandbox = ports.free_port(), ports.free_port()
        self.sandbox_url = f"http://127.0.0.1:{sandbox}"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._directory = directory
        self._instead = {
            "8000": str(self.web),
            "8900": str(sandbox),
            "var/sandbox.sqlite3": str(directory / "sandbox.sqlite3"),
            "runserver": f"runserver 127.0.0.1:{self.web}",
        }
        self.env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "DJANGO_DEBUG": "1",
            "DATABASE_URL": database_url,
            "REDIS_URL": os.environ["REDIS_URL"],
            "EVENTBUS_REDIS_URL": os.environ["EVENTBUS_REDIS_URL"],
            "SANDBOX_URL": self.sandbox_url,
        }

    def run(self, line: str) -> str:
        """Type a command and wait for its end."""
        done = subprocess.run(
            self._typed(line), cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout

    def start(self, line: str) -> None:
        """Type a command that goes on."""
        with self._log(line).open("wb") as log:
            self.running[line] = subprocess.Popen(
                self._typed(line),
                cwd=ROOT,
                env=self.env,
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
        return self._directory / f"{re.sub(r'[^a-z]+', '-', line)}.log"

    def _typed(self, line: str) -> list[str]:
        assert line in LINES, f"the README does not say: {line}"
        for written, instead in self._instead.items():
            line = line.replace(written, instead)
        return shlex.split(line)


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    """Terminals over an empty database of their own on the session's server."""
    here = urlsplit(os.environ["DATABASE_URL"])
    name = f"ordinary_{os.getpid()}"
    with psycopg.connect(urlunsplit(here), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        typed = Terminals(tmp_path, urlunsplit(here._replace(path=f"/{name}")))
        yield typed
        typed.kill()
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def written(words: str) -> str:
    """Return the README's line that contains the words."""
    found = [line for line in LINES if words in line]
    assert len(found) == 1, f"{words}: {found}"
    return found[0]


def test_a_trip_is_booked_by_the_readme_s_commands_and_all_end_by_sigterm(
    terminals: Terminals,
) -> None:
    worker, sweeper = written("celery -A config worker"), written("saga sweep")
    terminals.run(written("manage.py migrate"))
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


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False


def _heard(terminals: Terminals, reservation_id: str) -> bool:
    """Tell whether CRM's handler of the confirmed trip is done, as `manage.py eventbus trace` says."""
    command = [sys.executable, "manage.py", "eventbus", "trace", "--key", reservation_id, "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=terminals.env, capture_output=True, text=True, check=True
    )
    return {
        (event["type"], reaction["handler"].rpartition(".")[2], reaction["status"])
        for event in json.loads(done.stdout)
        for reaction in event["reactions"]
    } >= {("reservation.confirmed.v1", "record_confirmed_trip", "done")}
