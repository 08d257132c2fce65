"""The project's `.venv`: whole when its stamp says so, rebuilt when it has none."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from devstack import installing
from devstack.errors import CannotStartError


class Virtualenv:
    """A virtual environment of a project, by default `.venv` from `requirements-dev.txt`.

    A virtual environment cannot be moved, so it is built in place, and the stamp is written last:
    whatever interrupts the work, the next run sees that it was not finished.
    """

    def __init__(
        self, *, project: Path, directory: str = ".venv", lock: str = "requirements-dev.txt"
    ) -> None:
        self.path = project / directory
        self.lock = project / lock
        self.python = self.path / "bin" / "python"
        self._stamp = self.path / ".stamp"

    def is_current(self) -> bool:
        """Tell whether it was finished, by this version of Python, from the lock file as it is."""
        return self._read_stamp() == self._expected_stamp() and self.python.exists()

    def build(self) -> None:
        """Install what the lock file names: into the finished one, or into a new one.

        Raises: CannotStartError.
        """
        python, _, lock = (self._read_stamp() or "").partition(" ")
        if lock and python == _python_version() and self.python.exists():
            self._stamp.unlink()
        else:
            self._create()
        installing.install(
            python=self.python,
            words=["--require-hashes", "-r", str(self.lock)],
            what=self.path.name,
        )

    def write_stamp(self) -> None:
        """Declare it finished."""
        partial = self._stamp.with_name(".stamp.partial")
        partial.write_text(self._expected_stamp())
        os.replace(partial, self._stamp)

    def _create(self) -> None:
        for module in ("venv", "ensurepip"):
            if importlib.util.find_spec(module) is None:
                raise CannotStartError(
                    f"this Python ({sys.executable}) has no module {module}: install it, on Debian "
                    "and Ubuntu with `apt install python3-venv`, or use another with `make PYTHON=...`"
                )
        if self.path.is_symlink():
            raise CannotStartError(f"{self.path} is a symbolic link: remove it, then try again")
        if self.path.exists():
            print(
                f"{self.path.name} was not finished, or made for another Python: building it anew",
                flush=True,
            )
            shutil.rmtree(self.path)
        command = [sys.executable, "-m", "venv", str(self.path)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise CannotStartError(f"making .venv failed:\n{made.stdout}{made.stderr}")

    def _read_stamp(self) -> str | None:
        return self._stamp.read_text() if self._stamp.exists() else None

    def _expected_stamp(self) -> str:
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()
        return f"{_python_version()} {digest}"


def _python_version() -> str:
    return f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"
