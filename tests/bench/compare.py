"""Trips beside bare Celery and DBOS, round by round, so that a noisy moment hits all of them."""

import statistics
import time
from typing import Any, Final

from tests.bench import against, bare, postgres, trips

MODEST: Final = 0.4
"""The share of the measured throughput at which latencies are taken."""
CHAINS: Final = 3
"""So many empty chains for each trip: a round of them takes about as long."""


def side_by_side(*, rounds: int, count: int) -> dict[str, Any]:
    """Return trips, chains, canvases and DBOS workflows per second of each round, latencies, commits a trip."""
    prepared = trips.Prepared(count=count * (rounds + 1) + count)
    trips.burst_of(prepared, count=count // 3)  # imports, connections, caches
    bare.chains_per_second(count=count)
    postgres.settle()
    before = postgres.commits()
    found: dict[str, list[float]] = {"trips": [], "chains": [], "canvases": [], "workflows": []}
    for _ in range(rounds):
        found["trips"].append(trips.burst_of(prepared, count=count))
        found["chains"].append(bare.chains_per_second(count=count * CHAINS))
        found["canvases"].append(bare.canvases_per_second(count=count * CHAINS))
    postgres.settle()
    commits = (postgres.commits() - before) / (rounds * count)
    # Last, as its commits are not ours; its workers take the processor while ours have nothing to do.
    found["workflows"] = [against.workflows_per_second(count=count) for _ in range(rounds)]
    per_second = MODEST * statistics.median(found["trips"])
    latencies = trips.latencies(prepared, count=count, per_second=per_second)
    return {**found, "commits": commits, "latencies": latencies, "per_second": per_second}


def trips_only(*, rounds: int, count: int) -> list[float]:
    """Return trips per second of each round, with whatever else is running now."""
    prepared = trips.Prepared(count=count * rounds)
    time.sleep(2)  # what was prepared is still on its way to the listeners
    return [trips.burst_of(prepared, count=count) for _ in range(rounds)]
