"""The command line: `python -m tests.bench [trips] [statements] [bus] [growth] [api] [profile] [--write]`."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from devstack import interrupts
from devstack.errors import CannotStartError
from devstack.process import NotReadyError
from devstack.stack import Stack
from tests.bench import api, figures, report, topology

CHAPTERS: Final[dict[str, Callable[[Stack, argparse.Namespace], list[figures.Figure]]]] = {
    "statements": report.statements,
    "trips": report.trips,
    "bus": report.bus,
    "growth": report.growth,
    "api": api.chapter,
}


def main() -> int:
    """Measure what the command line names (all figures, if nothing), print and keep the table."""
    options = _options()
    interrupts.stop_on_signals()
    began = time.monotonic()
    try:
        with topology.stack() as stack:
            topology.date_commits(stack)
            if "profile" in options.names:
                sys.stdout.write(report.profile(stack, options) + "\n")
            found = [
                line
                for name in CHAPTERS
                if name in options.names
                for line in _chapter(name, stack, options)
            ]
    except (CannotStartError, NotReadyError, topology.MeasurementFailedError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    text = figures.table(found, circumstances=_circumstances(options, time.monotonic() - began))
    sys.stdout.write(f"\n{text}")
    if options.write:
        figures.write(text)
    return 0


def _chapter(name: str, stack: Stack, options: argparse.Namespace) -> list[figures.Figure]:
    sys.stderr.write(f"measuring {name}\n")
    return CHAPTERS[name](stack, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join([*CHAPTERS, "profile"]))
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement")
    parser.add_argument("--count", type=int, default=150, help="trips in a round")
    parser.add_argument(
        "--write", action="store_true", help="keep the table in docs/performance.md"
    )
    options = parser.parse_args()
    options.names = options.names or list(CHAPTERS)
    if unknown := set(options.names) - {*CHAPTERS, "profile"}:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    if options.write and set(options.names) < set(CHAPTERS):
        parser.error("--write keeps whole tables only: name no measurement")
    if not (1 <= options.rounds <= 20 and 10 <= options.count <= 1000):
        parser.error("--rounds is 1 to 20, --count 10 to 1000")
    return options


def _circumstances(options: argparse.Namespace, seconds: float) -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {options.rounds} rounds of {options.count} trips, "
        f"{seconds:.0f} s in all, load average at the end {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    sys.exit(main())
