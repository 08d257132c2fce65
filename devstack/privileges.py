"""PostgreSQL refuses to run as root: find somebody else for it to be."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import CannotStartError

_NOBODY = 65534


@dataclass(frozen=True)
class Disguise:
    """What goes before a command, and the uid to become (None: stay who you are)."""

    prefix: tuple[str, ...] = ()
    user: int | None = None


def disguise() -> Disguise:
    """Return how to start a program that refuses root.

    In a user namespace its files stay root's and nothing has to be readable by others; as user
    `nobody` it needs a data directory of its own, in a place that everybody may enter.
    """
    if os.geteuid() != 0:
        return Disguise()
    if _namespaces_work():
        return Disguise(prefix=_unshare())
    return Disguise(user=_nobody())


def is_open_to_all(directory: Path) -> bool:
    """Tell whether any user may pass through every folder above `directory`."""
    return all(folder.stat().st_mode & 0o001 for folder in directory.resolve().parents)


def require_reachable(*, program: Path, by: Disguise) -> None:
    """Raise CannotStartError when `nobody` would have to run a program that it cannot reach."""
    if by.user is not None and not is_open_to_all(program):
        raise CannotStartError(
            "PostgreSQL refuses to run as root, user namespaces are off, and user `nobody` may not "
            f"enter {program.parent}: run make as an ordinary user, move the project to a folder "
            "that others may enter, or set DATABASE_URL=postgres://user:password@host/name"
        )


def _unshare() -> tuple[str, ...]:
    return ("unshare", "-U", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")


def _namespaces_work() -> bool:
    if shutil.which("unshare") is None:
        return False
    trial = subprocess.run([*_unshare(), "true"], capture_output=True, check=False)
    return trial.returncode == 0


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return _NOBODY
