"""A plugin of pytest: every run of tests takes a PostgreSQL and a Redis database of its own.

mutmut forks a process for each mutant, several at a time. A place belongs to a process while it locks
the place's file, so a killed one gives its place back; the databases are made anew by the next taker.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections
from psycopg import sql

LOCKS: Final = "MUTANTS_LOCKS"
"""The variable that names the directory of the files to be locked."""
MOST: Final = 7
"""A place has two of the sixteen databases that a Redis server has; the first two are nobody's."""


class NoPlace(RuntimeError):
    """More runs at a time than there are places."""


def pytest_configure(config: pytest.Config) -> None:
    """Come after pytest-django, whose fixture is replaced."""
    config.pluginmanager.register(_Places(), "places")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that need no server first: nearly always one of them notices."""
    items.sort(key=lambda item: "integration" in item.path.parts)


class _Places:
    @pytest.fixture(scope="session")
    @classmethod
    def django_db_setup(cls, django_db_blocker: Any) -> Iterator[None]:
        """Use a copy of the migrated database instead of making one by its migrations."""
        with _place() as number, django_db_blocker.unblock():
            usual = connection.settings_dict["NAME"]
            connection.close()
            connection.settings_dict["NAME"] = _copied(usual, f"place_{number}")
            _use_redis(number)
            yield
            connections.close_all()
            connection.settings_dict["NAME"] = usual


@contextmanager
def _place() -> Iterator[int]:
    for number in range(1, MOST + 1):
        with (Path(os.environ[LOCKS]) / str(number)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return
    raise NoPlace


def _copied(template: str, name: str) -> str:
    where = connection.settings_dict
    address = {"host": where["HOST"], "port": where["PORT"], "dbname": "postgres"}
    account = {"user": where["USER"], "password": where["PASSWORD"]}
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    with psycopg.connect(**address, **account, autocommit=True) as server:
        server.execute(drop)
        server.execute(create)
    return name


def _use_redis(place: int) -> None:
    for number, name in enumerate(("REDIS_URL", "EVENTBUS_REDIS_URL"), 2 * place):
        url = urlunsplit(urlsplit(os.environ[name])._replace(path=f"/{number}"))
        os.environ[name] = url
        setattr(settings, name, url)
    settings.CELERY_BROKER_URL = settings.REDIS_URL
