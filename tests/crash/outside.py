"""This worker's sandbox, as the worker and its children reach it."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx

from devstack.binaries import PROJECT
from tests.crash import ledger

PARTNER_KEY: Final = "harness-partner-key"


class Outside:
    """The process of the sandbox; `url` is where it answers."""

    def __init__(self, directory: Path) -> None:
        """Start it and wait for its address."""
        ledger.path = directory / "ledger.sqlite3"
        # An answer that does not come is a closed connection at once: as unknown an outcome as silence.
        options = ["--hang", "0", "--late", "86400", "--api-key", PARTNER_KEY]
        command = [sys.executable, "-m", "sandbox", "--ledger", str(ledger.path), *options]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[3].rstrip(",")
        OUTSIDE.append(self)

    def land(self) -> None:
        """Let everything land that is late."""
        httpx.post(f"{self.url}/control/land", timeout=30).raise_for_status()

    def stop(self) -> None:
        """Let it end."""
        self._process.terminate()
        self._process.wait(timeout=30)


OUTSIDE: Final[list[Outside]] = []
"""The outside world of this worker: one, once it is started."""
