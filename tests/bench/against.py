"""FastStream and DBOS on the same servers, in an environment of their own: `requirements-bench.txt`."""

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
    [applied] = _measured("peer", "--events", str(events))["applied"]
    return float(applied)


def latencies(*, per_second: float) -> list[float]:
    """Return milliseconds from publishing to applied at a steady rate."""
    count = max(50, int(per_second * STEADY_SECONDS))
    words = ["peer", "--latencies", str(count), "--per-second", str(per_second)]
    return list(_measured(*words)["latencies"])


def workflows_per_second(*, count: int) -> float:
    """Return durable workflows of seven empty steps that DBOS completes in a second."""
    return float(_measured("dbos_peer", "--count", str(count)))


def _measured(script: str, *words: str) -> Any:
    """Run a peer with the environment of this process, which names the servers."""
    done = subprocess.run(
        [ENVIRONMENT.python, f"tests/bench/{script}.py", *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])
