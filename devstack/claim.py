"""A directory belongs to one program at a time: a lock that the kernel drops when its holder dies."""

import fcntl
import os
from pathlib import Path
from typing import IO

from devstack.errors import CannotStartError


def take(*, directory: Path) -> IO[str]:
    """Claim the directory and return the open lock; closing it gives the directory back.

    Raises: CannotStartError when another program holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = (directory / "owner").open("a+")
    if not _try_lock(lock):
        lock.seek(0)
        owner = lock.read()
        lock.close()
        raise CannotStartError(
            f"process {owner} already runs servers in {directory.parent}: "
            "stop it with Ctrl-C there, or with `make stop`"
        )
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def holder(*, directory: Path) -> int | None:
    """Return the pid of the program that holds the directory, or None."""
    if not (directory / "owner").exists():
        return None
    with (directory / "owner").open("r+") as lock:
        return None if _try_lock(lock) else int(lock.read())


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
