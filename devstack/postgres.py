"""A PostgreSQL server of one's own, on the loopback interface, in a directory."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Literal, LiteralString

import psycopg
from psycopg import sql

from devstack import binaries, cluster, ports
from devstack.process import NotReadyError, Process
from devstack.readiness import Holds

DATABASE = "booking"
Mode = Literal["smart", "fast", "immediate"]
_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class Postgres:
    """The server: `start`, `stop`, `kill`, `restart`, and the `url` of its database.

    `durable=False` skips fsync: a commit still survives the death of the server, not that of the
    machine. `throwaway=True` deletes the data at start and at stop.
    """

    def __init__(
        self,
        *,
        directory: Path,
        port: int | None = None,
        durable: bool = True,
        throwaway: bool = False,
    ) -> None:
        self.directory = directory
        self.durable = durable
        self.throwaway = throwaway
        self._wanted_port = port
        self._cluster: cluster.Cluster | None = None
        self._process: Process | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Return the address of the database, password included. The server was started."""
        return self._address(DATABASE)

    @property
    def process(self) -> Process:
        """Return the server's process. Raises: RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process

    @property
    def pid(self) -> int:
        """Return the pid of the postmaster."""
        return self.process.pid

    @property
    def name(self) -> str:
        """Return the program and version, for people."""
        return f"PostgreSQL {self._cluster.version}" if self._cluster else "PostgreSQL"

    def start(self) -> None:
        """Start it on the port it had before, or on the wanted one. Does nothing when it runs.

        Raises: CannotStartError, NotReadyError.
        """
        if self._process is not None and self._process.running:
            return
        if self._process is None:
            self._prepare()
        self._start_after_a_kill()
        self.create_database(name=DATABASE)

    def stop(self, *, mode: Mode = "fast") -> None:
        """Stop it: `smart` waits for clients, `fast` disconnects them, `immediate` is a crash."""
        if self._process is not None:
            self._process.wanted = False
            self._process.send(_SIGNALS[mode])
            self._process.stop()
        if self.throwaway and self._cluster is not None:
            shutil.rmtree(self._cluster.home, ignore_errors=True)
            self._process = None

    def kill(self) -> None:
        """Kill the postmaster; its children notice and end by themselves."""
        self.process.kill()

    def restart(self, *, mode: Mode = "fast") -> None:
        """Stop in the given mode and start again on the same port, keeping the data."""
        self.process.wanted = False
        self.process.send(_SIGNALS[mode])
        self.process.stop()
        self.start()

    def create_database(self, *, name: str) -> str:
        """Create a database unless it exists, and return its address."""
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._address(name)

    def execute(
        self, statement: LiteralString | sql.Composed, *, database: str = "postgres"
    ) -> None:
        """Run one statement outside a transaction, as the superuser."""
        with psycopg.connect(self._address(database), autocommit=True) as connection:
            connection.execute(statement)

    def _address(self, database: str) -> str:
        if self._cluster is None:
            raise RuntimeError("PostgreSQL was not started")
        password = self._cluster.password
        return f"postgres://{cluster.SUPERUSER}:{password}@{ports.LOOPBACK}:{self.port}/{database}"

    def _prepare(self) -> None:
        self.port = ports.claim_port(
            port=self._wanted_port, owner="PostgreSQL", variable="POSTGRES_PORT"
        )
        self._cluster = cluster.make_cluster(
            directory=self.directory,
            programs=binaries.find_postgres(),
            fresh=self.throwaway,
            sync=self.durable,
        )
        cluster.drop_stale_pid_file(home=self._cluster.home)
        self._process = Process(
            name="postgres",
            command=[*self._cluster.command, *self._options()],
            directory=self.directory,
            env={**os.environ, "LC_ALL": cluster.LOCALE},
            ready=Holds(self._accepts),
            stop_signal=signal.SIGINT,
            grace=20,
            user=self._cluster.user,
        )

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": ports.LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",  # a long path would not fit into a socket's address
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
        }
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _start_after_a_kill(self) -> None:
        """Start, and again while children of a killed postmaster still hold its shared memory."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return self.process.start()
            except NotReadyError as error:
                if "still in use" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
