"""Chaos of the whole system: `python -m tests.chaos --seed 1 --minutes 4`, or `make chaos SEED=1 MINUTES=4`.

Real processes on loopback; whatever may fail in production is made to fail by a plan that the seed
decides; then all is healed, and what must be true is checked against our rows and the partners'
ledgers. It stops by itself. Exit status 1 if anything is violated.
"""

import argparse
import json
import sys
from pathlib import Path

from devstack import interrupts
from devstack.binaries import PROJECT
from devstack.errors import CannotStartError
from devstack.process import NotReadyError
from tests.chaos import evidence, report, topology
from tests.chaos.journal import Journal
from tests.chaos.plan import LEASE_SECONDS
from tests.chaos.run import Options, Run

MOST_MINUTES = 30


def main() -> int:
    """Run one seed and print what came of it."""
    options = _options()
    interrupts.stop_on_signals()
    journal = Journal()
    chosen = Options(
        seed=options.seed,
        seconds=options.minutes * 60,
        travellers=options.travellers,
        calm=options.calm,
        quiescence=options.quiescence,
        resumption=options.resumption,
    )
    try:
        with topology.stack(directory=options.directory, report=journal) as stack:
            run = Run(stack, chosen, journal).go()
            kept = evidence.keep(run, stack)
    except (CannotStartError, NotReadyError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 2
    text = json.dumps(report.as_json(run), indent=1) if options.json else report.as_text(run)
    sys.stdout.write(f"{text}\n")
    if kept:
        sys.stderr.write(f"what happened to what is broken: {kept}\n")
    return 1 if any(run.violations.values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--minutes", type=float, default=4, help=f"of chaos, {MOST_MINUTES} at most"
    )
    parser.add_argument("--travellers", type=int, default=12, help="side by side")
    parser.add_argument("--calm", type=float, default=15, help="seconds of load before the chaos")
    parser.add_argument(
        "--quiescence", type=float, default=60, help="seconds, from healing to rest"
    )
    parser.add_argument(
        "--resumption", type=float, default=LEASE_SECONDS + 5, help="seconds, from a kill to work"
    )
    parser.add_argument("--directory", type=Path, default=PROJECT / "var" / "chaos")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not 0 < options.minutes <= MOST_MINUTES:
        parser.error(f"--minutes is more than 0 and at most {MOST_MINUTES}")
    return options


if __name__ == "__main__":
    sys.exit(main())
