"""FastStream on the same servers, in an environment of its own: `requirements-bench.txt`."""

import json
import subprocess
from typing import Any, Final

from devstack.binaries import PROJECT
from devstack.virtualenv import Virtualenv

SECONDS: Final = 120.0
STEADY_SECONDS: Final = 6.0
ENVIRONMENT: Final = Virtualenv(
    project=PROJECT, directory="var/bench-venv", lock="requirements-bench.txt"
)


def install() -> None:
    """Make the environment, unless it is there."""
    if not ENVIRONMENT.is_current():
        ENVIRONMENT.build()
        ENVIRONMENT.write_stamp()


def per_second(*, events: int) -> float:
    """Return events applied a second over a backlog."""
    [applied] = _measured("--events", str(events))["applied"]
    return float(applied)


def latencies(*, per_second: float) -> list[float]:
    """Return milliseconds from publishing to applied at a steady rate."""
    count = max(50, int(per_second * STEADY_SECONDS))
    words = ["--latencies", str(count), "--per-second", str(per_second)]
    return list(_measured(*words)["latencies"])


def _measured(*words: str) -> dict[str, Any]:
    """Run the peer with the environment of this process, which names the servers."""
    done = subprocess.run(
        [ENVIRONMENT.python, "tests/bench/peer.py", *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
