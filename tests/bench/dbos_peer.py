"""DBOS as the measure: a durable workflow of a trip's seven calls, as steps that do nothing.

Run by the Python of an environment of its own (requirements-bench.txt), never imported by the project:
`python tests/bench/dbos_peer.py --count 150` prints JSON. Workflows are called directly, no queue
between, by several threads in two processes; the steps neither call nor write anything of their own.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any

from dbos import DBOS, DBOSConfig

PROCESSES, THREADS = 2, 4
SECONDS = 120.0


@DBOS.step()
def call(name: str) -> str:
    """Do nothing."""
    return name


@DBOS.workflow()
def trip() -> None:
    """Make the calls of a trip with three legs, one after the other."""
    for name in ("hold", "authorise", "flight", "stay", "car", "capture", "confirm"):
        call(name)


def _launch(number: int) -> None:
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": os.environ["DATABASE_URL"].replace("postgres://", "postgresql://"),
        "executor_id": f"bench-{number}",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    DBOS(config=config)
    DBOS.launch()


def _run(number: int, count: int, ready: Barrier, ended: Any) -> None:
    _launch(number)
    trip()
    ready.wait(SECONDS)
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in [pool.submit(trip) for _ in range(count)]:
            pass
    ended.put(time.monotonic())
    DBOS.destroy()


def per_second(count: int) -> float:
    """Return completed workflows a second."""
    context = multiprocessing.get_context("spawn")
    _launch(0)  # makes the tables, once
    DBOS.destroy()
    ready, ended = context.Barrier(PROCESSES + 1), context.Queue()
    share = count // PROCESSES
    running = [
        context.Process(target=_run, args=(number, share, ready, ended), daemon=True)
        for number in range(1, PROCESSES + 1)
    ]
    for process in running:
        process.start()
    ready.wait(SECONDS)
    began = time.monotonic()
    last = max(ended.get(timeout=SECONDS) for _ in running)
    for process in running:
        process.join(SECONDS)
    return PROCESSES * share / (last - began)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150, help="workflows")
    sys.stdout.write(json.dumps(per_second(parser.parse_args().count)) + "\n")


if __name__ == "__main__":
    main()
