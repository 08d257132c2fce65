"""Run pip, show that it moves, and say in plain words what went wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import deque
from pathlib import Path

from devstack.errors import CannotStartError

_LAST_LINES = 12
# A piece of what pip prints -> what to do about it; the first that is found counts.
_ADVICE = (
    ("No space left on device", "the disk is full: make room and try again"),
    (
        "DO NOT MATCH THE HASHES",
        "a downloaded file is not the one that was locked: do not use that package index "
        "(PIP_INDEX_URL), or, if the lock is out of date, run `make lock`",
    ),
    (
        "NewConnectionError",
        "the package index cannot be reached: check the network, the proxy (HTTPS_PROXY) "
        "or name a reachable one with PIP_INDEX_URL",
    ),
    ("ProxyError", "the proxy refuses: check HTTPS_PROXY"),
    ("CERTIFICATE_VERIFY_FAILED", "the index's certificate is not trusted here: set PIP_CERT"),
    (
        "No matching distribution found",
        "no file of that package was found for this Python and this platform: check that the package "
        "index can be reached (network, HTTPS_PROXY, PIP_INDEX_URL); if it can, use Python 3.11 or "
        "3.12 on Linux x86-64, for example with `make PYTHON=python3.12 ...`",
    ),
    (
        "Failed building wheel",
        "there is no wheel of that package for this platform, and building it failed: install a "
        "C compiler, or use Python 3.11 or 3.12 on Linux x86-64",
    ),
)


def install(*, python: Path, words: list[str], what: str) -> None:
    """Run `pip install` with `words`, one changing line of progress on a terminal.

    Raises: CannotStartError with pip's last lines and advice.
    """
    started = time.monotonic()
    print(f"[{0:5.1f} s] installing {what} (a minute or two, once)", flush=True)
    command = [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    child = subprocess.Popen(
        [*command, "--progress-bar", "off", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: deque[str] = deque(maxlen=200)
    try:
        for line in child.stdout or ():
            lines.append(line.rstrip())
            _show(lines[-1], seconds=time.monotonic() - started)
    except BaseException:
        child.kill()
        raise
    finally:
        child.wait()
        _show("", seconds=time.monotonic() - started)
    if child.returncode != 0:
        raise CannotStartError(explain(list(lines), what=what))


def explain(lines: list[str], *, what: str) -> str:
    """Return a message from the lines that a failed pip printed: advice first, then the last lines."""
    text = "\n".join(lines)
    advice = next((advice for piece, advice in _ADVICE if piece in text), "pip's last lines follow")
    tail = "\n".join(f"    {line}" for line in lines[-_LAST_LINES:])
    return f"installing {what} failed: {advice}\n{tail}"


def _show(line: str, *, seconds: float) -> None:
    if sys.stdout.isatty():
        text = f"[{seconds:5.1f} s] {line}"[:78] if line else ""
        sys.stdout.write(f"\r\x1b[K{text}")
        sys.stdout.flush()
