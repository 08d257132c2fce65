"""A Redis server of one's own, on the loopback interface, in a directory."""

import shutil
from pathlib import Path

from devstack import binaries, ports
from devstack.process import Process
from devstack.readiness import Replies

BROKER_DATABASE = 0
EVENTBUS_DATABASE = 1


class Redis:
    """The server: `start`, `stop`, `kill`, `restart`, and the `url` of its first database.

    `durable=False` keeps nothing on disk: a restart comes back empty. `throwaway=True` deletes the
    data at start and at stop.
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
        self.name = "Redis"
        self.port = 0
        self._wanted_port = port
        self._data = directory / "redis"
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Return the address of the broker's database. The server was started."""
        return self.database(BROKER_DATABASE)

    @property
    def process(self) -> Process:
        """Return the server's process. Raises: RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("Redis was not started")
        return self._process

    @property
    def pid(self) -> int:
        """Return the pid of the server."""
        return self.process.pid

    def database(self, number: int) -> str:
        """Return the address of a database."""
        return f"redis://{ports.LOOPBACK}:{self.port}/{number}"

    def start(self) -> None:
        """Start it on the port it had before, or on the wanted one. Does nothing when it runs.

        Raises: CannotStartError, NotReadyError.
        """
        if self._process is None:
            self._prepare()
        self._data.mkdir(parents=True, exist_ok=True)
        self.process.start()

    def stop(self) -> None:
        """Stop it, having written what is to be kept."""
        if self._process is not None:
            self._process.stop()
        if self.throwaway:
            shutil.rmtree(self._data, ignore_errors=True)
            self._process = None

    def kill(self) -> None:
        """Kill it at once; `start` brings it back on the same port."""
        self.process.kill()

    def restart(self) -> None:
        """Stop it and start it on the same port."""
        self.process.stop()
        self.start()

    def _prepare(self) -> None:
        found = binaries.find_redis()
        self.name = f"Redis {found.version}"
        self.port = ports.claim_port(port=self._wanted_port, owner="Redis", variable="REDIS_PORT")
        if self.throwaway:
            shutil.rmtree(self._data, ignore_errors=True)
        self._process = Process(
            name="redis",
            command=[str(found.program), *self._options()],
            directory=self.directory,
            cwd=self._data,
            ready=Replies(port=self.port, question=b"PING\r\n", answer=b"+PONG"),
        )

    def _options(self) -> list[str]:
        settings = {
            "--bind": ports.LOOPBACK,
            "--port": str(self.port),
            "--appendonly": "yes" if self.durable else "no",
            "--save": "",
            "--maxmemory-policy": "noeviction",  # a queue must refuse rather than forget
            "--daemonize": "no",
        }
        return [word for setting in settings.items() for word in setting]
