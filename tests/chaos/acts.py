"""Each way of breaking something, with the proof that it broke; what was broken comes back later."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
import psycopg
import redis

from devstack import leftovers, spawning
from devstack.process import NotReadyError, Process
from devstack.stack import Stack
from tests.chaos.plan import Fault

PATIENCE_SECONDS: Final = 8.0
"""How long a fault waits for its target to be there: it may still be starting."""

MARK: Final = "chaos:mark"
BUSY_SECONDS: Final = 2.0
"""How long a pause waits for its target to be in the middle of a call."""

Later = Callable[[Fault, Callable[[], object]], None]


class Witness(Protocol):
    """Who knows what the processes are doing."""

    def before_kill(self, name: str) -> None:
        """Take note that this process is killed right afterwards."""

    def has_work(self, name: str) -> bool:
        """Tell whether a call is claimed that this process may hold."""


class NotStruckError(Exception):
    """A fault had no effect; the message says why."""


TROUBLE: Final = (
    NotStruckError,
    NotReadyError,
    OSError,
    redis.RedisError,
    psycopg.Error,
    httpx.HTTPError,
)


class Acts:
    """What the plan's words mean on a running system.

    Each act returns its proof. `later(fault, undo)` is told how to bring back what was struck.

    Raises (each act): one of TROUBLE.
    """

    def __init__(self, stack: Stack, *, later: Later, witness: Witness) -> None:
        """Take the running system."""
        self._stack = stack
        self._later = later
        self._witness = witness
        self._table: dict[str, Callable[[Fault], str]] = {
            "kill": self._kill,
            "kill a web worker": self._kill_web_worker,
            "pause": self._pause,
            "kill redis": self._kill_redis,
            "shut redis down": self._shut_redis_down,
            "FLUSHALL": self._flush,
            "drop redis clients": self._drop_redis_clients,
            "restart postgres": self._restart_postgres,
            "kill postgres": self._kill_postgres,
            "drop postgres clients": self._drop_postgres_clients,
            "outage": self._outage,
            "kill partners": self._kill,
        }

    def do(self, fault: Fault) -> str:
        """Strike, and return the proof."""
        return self._table[fault.act](fault)

    def _kill(self, fault: Fault) -> str:
        process = self._running(fault.target)
        pid, born = process.pid, leftovers.started_at(process.pid)
        self._witness.before_kill(fault.target)
        process.kill()
        _must(not leftovers.is_running(pid=pid, started=born), f"{fault.target} {pid} still runs")
        self._later(fault, lambda: _start(process))
        return f"pid {pid} is gone"

    def _kill_web_worker(self, fault: Fault) -> str:
        leader = self._running(fault.target)
        children = _until(lambda: _children(leader.pid), "workers of the web server")
        pid, born = children[0], leftovers.started_at(children[0])
        os.kill(pid, signal.SIGKILL)
        _until(lambda: not leftovers.is_running(pid=pid, started=born), f"the end of {pid}")
        return f"pid {pid} of {leader.pid} is gone"

    def _pause(self, fault: Fault) -> str:
        """Stop a process past its leases; a shell wakes it again, even if this program is killed meanwhile."""
        pid = self._running(fault.target).pid
        with contextlib.suppress(NotStruckError):
            _until(lambda: self._witness.has_work(fault.target), "work", seconds=BUSY_SECONDS)
        script = f"kill -STOP -{pid}; sleep {fault.seconds}; kill -CONT -{pid}"
        waker = subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True)
        _until(lambda: state(pid) in "Tt", f"{fault.target} {pid} being stopped")

        def wake() -> None:
            spawning.end_group(waker.pid)
            waker.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGCONT)

        self._later(fault, wake)
        return f"pid {pid} is stopped"

    def _running(self, name: str) -> Process:
        process = self._stack.processes[name]
        _until(lambda: process.running, f"{name} running")
        return process

    def _kill_redis(self, fault: Fault) -> str:
        return self._lose_redis(fault, self._stack.redis.kill)  # type: ignore[union-attr]

    def _shut_redis_down(self, fault: Fault) -> str:
        def shut_down() -> None:
            self._stack.redis.process.wanted = False  # type: ignore[union-attr]
            with self._redis() as client:
                client.shutdown(nosave=True)

        return self._lose_redis(fault, shut_down)

    def _lose_redis(self, fault: Fault, end: Callable[[], None]) -> str:
        """End the server; it comes back empty, under another run id."""
        server = self._stack.redis
        run_id = self._run_id()
        end()
        process = server.process  # type: ignore[union-attr]
        _until(lambda: not process.running, "the end of Redis")

        def bring_back() -> None:
            server.start()
            _must(self._run_id() != run_id, "Redis was never away")

        self._later(fault, bring_back)
        return f"run id {run_id[:8]} is gone"

    def _flush(self, fault: Fault) -> str:
        with self._redis() as client:
            client.set(MARK, 1)
            client.flushall()
            _must(not client.exists(MARK), "the mark survived FLUSHALL")
        return "the mark is gone"

    def _drop_redis_clients(self, fault: Fault) -> str:
        with self._redis() as client:
            dropped = _until(
                lambda: client.client_kill_filter(_type="normal", skipme=True), "a client"
            )
        return f"{dropped} connections closed"

    def _run_id(self) -> str:
        with self._redis() as client:
            return str(client.info("server")["run_id"])

    @contextlib.contextmanager
    def _redis(self) -> Iterator["redis.Redis"]:
        client = redis.Redis.from_url(self._stack.urls["redis"], socket_timeout=5, protocol=2)
        with contextlib.closing(client):
            yield client

    def _restart_postgres(self, fault: Fault) -> str:
        before = self._postmaster_started()
        self._stack.postgres.restart(mode="immediate")  # type: ignore[union-attr]
        after = self._postmaster_started()
        _must(after > before, "the postmaster is the old one")
        return f"postmaster of {after} instead of {before}"

    def _kill_postgres(self, fault: Fault) -> str:
        before, pid = self._postmaster_started(), self._stack.postgres.pid  # type: ignore[union-attr]
        self._stack.postgres.kill()  # type: ignore[union-attr]

        def bring_back() -> None:
            self._stack.postgres.start()
            _must(self._postmaster_started() > before, "the postmaster is the old one")

        self._later(fault, bring_back)
        return f"postmaster {pid} is gone"

    def _drop_postgres_clients(self, fault: Fault) -> str:
        statement = (
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        dropped = _until(lambda: self._ask_postgres(statement)[0], "a client")
        return f"{dropped} backends terminated"

    def _postmaster_started(self) -> str:
        return str(self._ask_postgres("SELECT pg_postmaster_start_time()::text")[0])

    def _ask_postgres(self, statement: Any) -> tuple[Any, ...]:
        with psycopg.connect(self._stack.urls["postgres"], autocommit=True) as db:
            return db.execute(statement).fetchone() or ()

    def _outage(self, fault: Fault) -> str:
        self._set_outage(fault.target, fault.mode)
        self._later(fault, lambda: self._set_outage(fault.target, "ok"))
        return f"{fault.target} is {fault.mode}"

    def _set_outage(self, partner: str, mode: str) -> None:
        """Ask until the sandbox has done it; if it is away, nobody else could bring it back meanwhile."""

        def done() -> bool:
            _start(self._stack.processes["sandbox"])
            body = {"partner": partner, "mode": mode}
            try:
                answer = httpx.post(f"{self._stack.urls['sandbox']}/control/outage", json=body)
            except httpx.TransportError:
                return False
            return bool(answer.json() == body)

        _until(done, f"{partner} being {mode}")


def _start(process: Process) -> None:
    """Start a process, unless it runs again already."""
    if not process.running:
        process.start(wait=False)


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def works(process: Process) -> bool:
    """Tell whether a process has come up and is neither dead nor stopped."""
    try:
        return (
            process.running
            and state(process.pid) not in "Tt"
            and process.ready.holds(output=process.output)
        )
    except (FileNotFoundError, ProcessLookupError):
        return False


def state(pid: int) -> str:
    """Return the letter of a process's state (proc(5)). Raises: FileNotFoundError when it is gone."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _must(true: bool, otherwise: str) -> None:
    if not true:
        raise NotStruckError(otherwise)


def _until(question: Callable[[], Any], what: str, *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Ask until the answer is true. Raises: NotStruckError when it is not within the time."""
    ends_at = time.monotonic() + seconds
    while not (found := question()):
        _must(time.monotonic() < ends_at, f"waited in vain for {what}")
        time.sleep(0.02)
    return found
