"""PostgreSQL and Redis together: the pair that every test and every process needs."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit, urlunsplit

from devstack import claim, leftovers, redis
from devstack.external import External
from devstack.postgres import Postgres
from devstack.redis import Redis


class Servers:
    """Both servers in one directory; unless `own`, `DATABASE_URL` and `REDIS_URL` win.

    `durable` (by default: unless `throwaway`) is about the death of the machine for PostgreSQL and
    of the server for Redis. `ports` may fix "postgres" and "redis". Usable as a context manager.
    """

    def __init__(
        self,
        *,
        directory: Path,
        throwaway: bool = False,
        durable: bool | None = None,
        ports: Mapping[str, int] | None = None,
        own: bool = False,
    ) -> None:
        self.directory = directory.resolve()
        durable = not throwaway if durable is None else durable
        fixed = ports or {}
        self.postgres: Postgres | External = _external("DATABASE_URL", own=own) or Postgres(
            directory=self.directory,
            port=fixed.get("postgres"),
            durable=durable,
            throwaway=throwaway,
        )
        self.redis: Redis | External = _external("REDIS_URL", own=own) or Redis(
            directory=self.directory,
            port=fixed.get("redis"),
            durable=durable,
            throwaway=throwaway,
        )
        self._claim: IO[str] | None = None

    @property
    def env(self) -> dict[str, str]:
        """Return DATABASE_URL, REDIS_URL (broker) and EVENTBUS_REDIS_URL, for the settings."""
        broker = self.redis.url
        bus = with_database(broker, number=redis.EVENTBUS_DATABASE)
        if isinstance(self.redis, External):
            bus = os.environ.get("EVENTBUS_REDIS_URL", bus)
        return {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": broker,
            "EVENTBUS_REDIS_URL": bus,
        }

    def start(self) -> Self:
        """Start both, after ending what an earlier start left behind in this directory.

        Raises: CannotStartError, NotReadyError.
        """
        self.claim()
        try:
            self.postgres.start()
            self.redis.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop both and give the directory back."""
        try:
            self.redis.stop()
            self.postgres.stop()
        finally:
            if self._claim is not None:
                self._claim.close()
                self._claim = None

    def claim(self) -> None:
        """Make this program the only one that runs servers in the directory, until `stop`.

        Raises: CannotStartError when another one does.
        """
        if self._claim is not None:
            return
        run = self.directory / "run"
        self._claim = claim.take(directory=run)
        leftovers.end_leftovers(directory=run)

    def __enter__(self) -> Self:
        """Start both."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop both."""
        self.stop()


def _external(variable: str, *, own: bool) -> External | None:
    url = os.environ.get(variable)
    return External(url=url, variable=variable) if url and not own else None


def with_database(url: str, *, number: int) -> str:
    """Return the Redis address with another database number."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))
