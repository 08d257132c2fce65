"""The chapter `api`: what a request costs beside a bare view, and that it costs no more without Redis."""

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from devstack import ports
from devstack import processes as table
from devstack.binaries import PROJECT
from devstack.process import Process
from devstack.stack import Stack
from tests.bench import figures, topology
from tests.bench.figures import Figure


def chapter(stack: Stack, options: argparse.Namespace) -> list[Figure]:
    """Measure with the web server alone: what was confirmed waits for workers that do not run."""
    web, count = stack.urls["web"], options.count
    with topology.running(stack, "web"), bare_web(stack) as bare:
        found = topology.inside(
            stack, "web.side_by_side", rounds=options.rounds, count=count, web=web, bare=bare
        )
        ms = _without_redis(stack, rounds=options.rounds, count=count)
    return [
        *_beside(found, ours="confirm", theirs="insert", what="a bare view that inserts one row"),
        *_beside(found, ours="detail", theirs="read", what="a bare view that reads one row"),
        *(figures.percentiles(f"confirm {state}, p50 / p99", ms[state]) for state in REDIS),
    ]


def _without_redis(stack: Stack, *, rounds: int, count: int) -> dict[str, list[float]]:
    """Confirm in each state of Redis by turns, so that a noisy moment hits them alike."""
    ms: dict[str, list[float]] = {state: [] for state in REDIS}
    for _ in range(rounds):
        for state, be in REDIS.items():
            with be(stack):
                ms[state] += topology.inside(
                    stack, "web.confirming", count=count, web=stack.urls["web"]
                )
    return ms


def _beside(found: dict[str, Any], *, ours: str, theirs: str, what: str) -> list[Figure]:
    mine, bare = found[ours]["per_second"], found[theirs]["per_second"]
    return [
        figures.rounds(f"{ours}: requests per second", mine),
        figures.percentiles(f"{ours}, p50 / p99", found[ours]["ms"]),
        figures.rounds(f"{what}: requests per second", bare),
        figures.percentiles(f"{what}, p50 / p99", found[theirs]["ms"]),
        figures.ratio(f"{ours} to {what}", mine, bare),
    ]


@contextmanager
def bare_web(stack: Stack) -> Iterator[str]:
    """Serve the bare view with the very options of the project's own web server; yield its address."""
    port = ports.claim_port(port=None, owner="bare web", variable="")
    env = {**stack.env, "PORT": str(port), "DJANGO_SETTINGS_MODULE": "tests.bench.bare_settings"}
    [declared] = [line for line in table.PROCESSES if line.name == "web"]
    process = Process(
        name="bare-web",
        command=table.arguments(declared, env=env),
        directory=stack.directory,
        env=env,
        cwd=PROJECT,
        ready=declared.ready({"web": port}),
        grace=declared.grace,
    )
    with topology.started([process]):
        yield f"http://{ports.LOOPBACK}:{port}"


@contextmanager
def silent(stack: Stack) -> Iterator[None]:
    """Let Redis take connections and never answer."""
    stack.redis.process.send(signal.SIGSTOP)
    try:
        yield
    finally:
        stack.redis.process.send(signal.SIGCONT)


@contextmanager
def down(stack: Stack) -> Iterator[None]:
    """Let there be no Redis."""
    stack.redis.kill()
    try:
        yield
    finally:
        stack.redis.start()


@contextmanager
def there(stack: Stack) -> Iterator[None]:
    """Leave Redis as it is."""
    yield


REDIS: Final = {
    "with Redis there": there,
    "while Redis is stopped and never answers": silent,
    "while Redis is killed": down,
}
