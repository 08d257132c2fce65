"""Find and end the processes that an earlier start left behind, and no others."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from devstack.spawning import end_group


def remember(*, directory: Path, name: str, pid: int, stop_signal: signal.Signals) -> None:
    """Write down which process this is: a pid alone may be somebody else's tomorrow."""
    directory.mkdir(parents=True, exist_ok=True)
    note = {"pid": pid, "started": started_at(pid), "stop_signal": int(stop_signal)}
    partial = directory / f"{name}.partial"
    partial.write_text(json.dumps(note))
    partial.replace(directory / f"{name}.json")


def forget(*, directory: Path, name: str) -> None:
    """Drop the note about a process that has ended."""
    (directory / f"{name}.json").unlink(missing_ok=True)


def end_leftovers(*, directory: Path, grace: float = 10.0) -> list[str]:
    """End every noted process that still runs and return their names; `grace` is in seconds."""
    ended = []
    for path in sorted(directory.glob("*.json")):
        note = json.loads(path.read_text())
        if is_running(pid=note["pid"], started=note["started"]):
            ended.append(path.stem)
            _end(note, grace=grace)
        path.unlink()
    return ended


def is_running(*, pid: int, started: str | None) -> bool:
    """Tell whether the very process that started then is still there (a zombie is not)."""
    return started is not None and started_at(pid) == started


def started_at(pid: int) -> str | None:
    """Return a text that identifies this life of the pid, or None when it is not running."""
    if sys.platform != "linux":
        return _started_by_ps(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else started


def _started_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def _end(note: dict[str, int], *, grace: float) -> None:
    pid, started = note["pid"], str(note["started"])
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, note["stop_signal"])
    deadline = time.monotonic() + grace
    while is_running(pid=pid, started=started) and time.monotonic() < deadline:
        time.sleep(0.05)
    if is_running(pid=pid, started=started):
        end_group(pid)
