"""Show what the processes log, as it comes, one line each with its name in front."""

import os
import sys
import threading
from pathlib import Path
from typing import IO

_LOOK_EVERY = 0.1
_COLOURS = (36, 32, 35, 33, 34, 96, 92, 95, 93, 94)


class Follower:
    """Print the new lines of every `*.log` in a directory until `stop`."""

    def __init__(self, *, directory: Path, out: IO[str] | None = None) -> None:
        self._directory = directory
        self._out = out or sys.stdout
        self._coloured = self._out.isatty() and "NO_COLOR" not in os.environ
        self._read = {path: path.stat().st_size for path in directory.glob("*.log")}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="follower", daemon=True)

    def start(self) -> None:
        """Begin with what is logged from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Print what is left and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_EVERY):
            self._print_news()
        self._print_news()

    def _print_news(self) -> None:
        for number, path in enumerate(sorted(self._directory.glob("*.log"))):
            with path.open("rb") as log:
                log.seek(self._read.get(path, 0))
                text = log.read()
            complete = text[: text.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(complete)
            for line in complete.decode(errors="replace").splitlines():
                self._out.write(f"{self._prefix(path.stem, number)} {line}\n")
        self._out.flush()

    def _prefix(self, name: str, number: int) -> str:
        label = f"{name:>18} |"
        return (
            f"\x1b[{_COLOURS[number % len(_COLOURS)]}m{label}\x1b[0m" if self._coloured else label
        )
