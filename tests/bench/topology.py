"""What runs while the figures are taken: the project's own processes, and workers with empty links beside them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from config import contexts
from devstack import processes as table
from devstack.binaries import PROJECT
from devstack.external import External
from devstack.process import Process
from devstack.stack import Stack

SETTINGS: Final = {
    # As in production: DEBUG keeps a list of every statement.
    "DJANGO_DEBUG": "0",
    "PARTNER_API_KEY": "bench-partner-key",
    "STRIPE_API_KEY": "bench-key",
    "STRIPE_WEBHOOK_SECRET": "bench-webhook-secret",
    "PAYMENT_GATEWAY": "tests.bench.gateways.InstantCards",
    "PARTNER_GATEWAYS": "instant=tests.bench.gateways.InstantPartner",
    # The instant ones remember nothing, so there is nothing to compare.
    "RECONCILE_SECONDS": "86000",
    "LOG_LEVEL": "WARNING",
    "DJANGO_SSL_REDIRECT": "0",  # nothing stands before the web server here
    "API_RATE_FACTOR": "1000",
}
TRIPS: Final = ("worker-reservation", "worker-provider", "worker-payment", "sweeper")
BUS: Final = ("relay", "consumer-crm")
SECONDS: Final = 300.0
"""How long one measurement may take."""


class MeasurementFailedError(Exception):
    """A measurement ended with an error; the message is what it printed."""


def stack() -> Stack:
    """Return a stack with nothing but its servers: durable as in production, thrown away afterwards."""
    return Stack(
        directory=PROJECT / "var" / "bench",
        throwaway=True,
        durable=True,
        own_servers=True,
        env=SETTINGS,
        only=set(),
    )


def date_commits(stack: Stack) -> None:
    """Let PostgreSQL note when each transaction was committed; nothing else of the stack may run yet."""
    if isinstance(stack.postgres, External):
        raise MeasurementFailedError("the figures need a PostgreSQL of their own")
    stack.postgres.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    stack.postgres.restart()


def inside(stack: Stack, name: str, **options: Any) -> Any:
    """Run a measurement in a process of its own and return what it found.

    Raises:
        MeasurementFailedError: it came to no result.
    """
    command = [sys.executable, "-m", "tests.bench.inside", name, json.dumps(options)]
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=stack.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MeasurementFailedError(f"{name} took more than {SECONDS:.0f} s") from error
    if done.returncode != 0:
        raise MeasurementFailedError(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def running(stack: Stack, *names: str) -> Iterator[None]:
    """Run processes of the stack while the block lasts."""
    chosen = [stack.processes[name] for name in names]
    with started(chosen):
        yield


@contextmanager
def bare_workers(stack: Stack) -> Iterator[None]:
    """Run one worker with empty links for each queue, with the very options of the project's own."""
    with started([_bare_worker(stack, queue) for queue in contexts.LINK_QUEUES]):
        yield


@contextmanager
def started(chosen: list[Process]) -> Iterator[None]:
    """Run processes while the block lasts."""
    try:
        for process in chosen:
            process.start(wait=False)
        for process in chosen:
            process.wait_ready()
        yield
    finally:
        ended = {process.name: process.stop() for process in chosen}
    if broken := {name: status for name, status in ended.items() if status}:
        raise MeasurementFailedError(
            f"ended with a status, so that they may have done nothing all the time: {broken}"
        )


def _bare_worker(stack: Stack, queue: str) -> Process:
    [declared] = [line for line in table.PROCESSES if f"-Q {queue} " in line.command]
    words = table.arguments(declared, env=stack.env)
    command = ["tests.bench.bare" if word == "config" else word for word in words]
    return Process(
        name=f"bare-{queue}",
        command=command,
        directory=stack.directory,
        env=stack.env,
        cwd=PROJECT,
        ready=declared.ready(stack.ports),
        grace=declared.grace,
    )
