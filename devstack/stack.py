"""The whole system, started and stopped as one: servers, database, processes."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from devstack import ports as loopback
from devstack import processes as table
from devstack.binaries import PROJECT
from devstack.environment import earlier_port, environment, write_note
from devstack.external import External
from devstack.follow import Follower
from devstack.foreground import CommandFailedError, run_to_end
from devstack.postgres import Postgres
from devstack.process import Process
from devstack.redis import Redis
from devstack.servers import Servers
from devstack.supervisor import Supervisor

_LAST = {"sandbox", "redis", "postgres"}  # needed until all the others have finished their work
_VARIABLES = {"web": "WEB_PORT", "sandbox": "SANDBOX_PORT"}


class Stack:
    """Everything in one directory; a context manager.

    `throwaway` starts from nothing and deletes the data at the end (the logs stay); `durable` is
    explained at `Servers`; `only` names the processes or groups to start (None: all; the others can
    be started later); `copies` says of which how many are to run (one of each); `own_servers`
    starts PostgreSQL and Redis even if DATABASE_URL and REDIS_URL name others; `ports` may fix
    "web", "sandbox", "postgres", "redis"; `env` goes over what the processes get; `restart`
    (default: unless throwaway) revives what dies; `verbose` prints the logs; `report` gets one line
    for each stage.
    """

    def __init__(
        self,
        *,
        directory: Path,
        throwaway: bool = False,
        durable: bool | None = None,
        env: Mapping[str, str] | None = None,
        ports: Mapping[str, int] | None = None,
        only: set[str] | None = None,
        copies: Mapping[str, int] | None = None,
        restart: bool | None = None,
        own_servers: bool = False,
        verbose: bool = False,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.throwaway = throwaway
        self.urls: dict[str, str] = {}
        self.env: dict[str, str] = {}
        self.ports: dict[str, int] = {}
        self._extra = dict(env or {})
        self._fixed = dict(ports or {})
        self._copies = table.copies(copies or {})
        self._names = [*table.chosen(only), *(copy.name for copy in self._copies)]
        self._verbose = verbose
        self._report = report or (lambda line: None)
        self._servers = Servers(
            directory=directory,
            throwaway=throwaway,
            durable=durable,
            ports=self._fixed,
            own=own_servers,
        )
        restart = not throwaway if restart is None else restart
        self._supervisor = Supervisor(report=self._report, restart=restart)
        self._follower: Follower | None = None

    @property
    def postgres(self) -> Postgres | External:
        """Return the database server."""
        return self._servers.postgres

    @property
    def redis(self) -> Redis | External:
        """Return the Redis server."""
        return self._servers.redis

    @property
    def processes(self) -> dict[str, Process]:
        """Return every process of the table by name, started or not."""
        return self._supervisor.processes

    def start(self) -> Self:
        """Start servers and processes, and return when they are ready.

        Raises: CannotStartError, NotReadyError; whatever was started is stopped before that.
        """
        try:
            self._start_servers()
            self._prepare()
            self._start_processes()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Let running work finish, and stop everything in reverse order."""
        try:
            working = [name for name in self.processes if name not in _LAST]
            self._supervisor.stop(first=working)
        finally:
            self._servers.stop()
            if self._follower is not None:
                self._follower.stop()
                self._follower = None
            if self.throwaway:
                self._delete_data()

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` with the arguments and return its status, stdout and stderr.

        Raises: CommandFailedError when `check` and the status is not 0.
        """
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise CommandFailedError(f"manage.py {' '.join(arguments)} failed:\n{done.stderr}")
        return done

    def __enter__(self) -> Self:
        """Start everything."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        self.stop()

    def _start_servers(self) -> None:
        self._servers.claim()
        if self.throwaway:
            self._delete_data()
        self.ports = {
            name: self._claim_port(name, variable) for name, variable in _VARIABLES.items()
        }
        if self._verbose:
            self._follow()
        self._servers.start()
        self._report(f"{self.postgres.name} and {self.redis.name} are up")

    def _claim_port(self, name: str, variable: str) -> int:
        """Keep the sandbox where it was: partners in a kept database have its address."""
        earlier = earlier_port(directory=self.directory, variable=variable)
        return loopback.claim_port(
            port=self._fixed.get(name), owner=name, variable=variable, earlier=earlier
        )

    def _prepare(self) -> None:
        servers = self._servers.env
        self.env = environment(
            directory=self.directory, servers=servers, ports=self.ports, extra=self._extra
        )
        self.urls = {
            name: f"http://{loopback.LOOPBACK}:{port}" for name, port in self.ports.items()
        }
        self.urls |= {"postgres": servers["DATABASE_URL"], "redis": servers["REDIS_URL"]}
        write_note(directory=self.directory, env=self.env)
        for server in (self.postgres, self.redis):
            if not isinstance(server, External):
                self._supervisor.add(server.process)
        for declared in (*table.PROCESSES, *self._copies):
            self._supervisor.add(self._process(declared))

    def _start_processes(self) -> None:
        early = [name for name in self._names if name == "sandbox"]
        self._supervisor.start(early, wait=False)  # it comes up while the database is migrated
        migrate = [sys.executable, "manage.py", "migrate", "--no-input"]
        run_to_end(migrate, what="manage.py migrate", env=self.env, cwd=PROJECT)
        self._report("the database is migrated")
        self._supervisor.start(self._names)
        self._supervisor.watch()
        self._report(f"running: {', '.join(self._names)}")

    def _process(self, declared: table.Declared) -> Process:
        return Process(
            name=declared.name,
            command=table.arguments(declared, env=self.env),
            directory=self.directory,
            env=self.env,
            cwd=PROJECT,
            ready=declared.ready(self.ports),
            grace=declared.grace,
        )

    def _follow(self) -> None:
        log = self.directory / "log"
        log.mkdir(parents=True, exist_ok=True)
        self._follower = Follower(directory=log)
        self._follower.start()

    def _delete_data(self) -> None:
        for path in self.directory.glob("sandbox.sqlite3*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.directory / "mail", ignore_errors=True)
