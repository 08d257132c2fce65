"""Make `.venv` complete and current, with nothing but Python: `python3 -m devstack.bootstrap`.

Standard library only, and old syntax only, so that an old Python can say that it is too old.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import subprocess
import sys
import time
from pathlib import Path

from devstack import redis_source, virtualenv
from devstack.errors import CannotStartError

_OLDEST = (3, 11)
_NEEDED_BYTES = 900_000_000
_INTERRUPTED = 130


def main() -> int:
    """Do what is missing, which is mostly nothing, and return the exit status."""
    parser = argparse.ArgumentParser(prog="bootstrap", description=__doc__)
    parser.add_argument("--project", type=Path, default=Path(__file__).resolve().parent.parent)
    project = parser.parse_args().project.resolve()
    try:
        check_python()
        bootstrap(project=project)
    except CannotStartError as error:
        print("\n" + str(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted: the next run starts .venv over", file=sys.stderr)
        return _INTERRUPTED
    return 0


def check_python(*, version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Raise CannotStartError, naming a newer Python of this machine, when `version` is too old."""
    if version >= _OLDEST:
        return
    newer = next(filter(_runs, ("python3.12", "python3.11", "python3.13")), None)
    advice = f"use the newer one here, `make PYTHON={newer} ...`" if newer else "install 3.12"
    raise CannotStartError(
        f"Python 3.11 or newer is needed, and {sys.executable} is {version[0]}.{version[1]}: {advice}"
    )


def _runs(program: str) -> bool:
    """Tell whether a program works; a version manager may leave shims that do not."""
    if shutil.which(program) is None:
        return False
    return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0


def bootstrap(*, project: Path) -> None:
    """Build or update the project's `.venv` unless it is what the lock file asks for.

    Raises: CannotStartError.
    """
    venv = virtualenv.Virtualenv(project=project)
    if venv.is_current():
        return
    var = project / "var"
    var.mkdir(exist_ok=True)
    with (var / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two `make`s at once: the second one finds it done
        if venv.is_current():
            return
        started = time.monotonic()
        check_space(project=project)
        venv.build()
        redis_source.build_if_needed(venv=venv)
        venv.write_stamp()
        print(f"[{time.monotonic() - started:5.1f} s] .venv is ready", flush=True)


def check_space(*, project: Path, needed: int = _NEEDED_BYTES) -> None:
    """Raise CannotStartError when the disk has less room than `.venv` takes, in bytes."""
    free = shutil.disk_usage(project).free
    if free < needed:
        raise CannotStartError(
            f"{project} has {free // 10**6} MB free, and .venv takes about {needed // 10**6} MB: "
            "make room, or move the project to a larger disk"
        )


if __name__ == "__main__":
    sys.exit(main())
