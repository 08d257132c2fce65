"""Who works while latencies are taken: the winner's workers, the relay and the losing consumers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from devstack.binaries import PROJECT
from devstack.process import Process
from devstack.readiness import Alive
from devstack.stack import Stack

PROCESSES: Final = ("worker-reservation", "worker-provider", "worker-payment", "sweeper", "relay")


@contextmanager
def everybody(stack: Stack) -> Iterator[None]:
    """Run the winner's workers, the relay and the losing consumers while the block lasts."""
    losing = [f"losing-{name}" for name in ("reservation", "provider", "payment")]
    chosen = [stack.processes[name] for name in PROCESSES]
    chosen += [_consumer(stack, name) for name in losing]
    try:
        for process in chosen:
            process.start(wait=False)
        for process in chosen:
            process.wait_ready()
        yield
    finally:
        ended = {process.name: process.stop() for process in chosen}
    assert not any(ended.values()), f"ended with a status: {ended}"


def _consumer(stack: Stack, group: str) -> Process:
    return Process(
        name=group,
        command=[sys.executable, "manage.py", "eventbus", "consume", group],
        directory=stack.directory,
        env=stack.env,
        cwd=PROJECT,
        ready=Alive(),
        grace=10,
    )
