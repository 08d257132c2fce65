"""`make compare`: run the losers beside the winners, print one measured table and write the page about it."""

import argparse
import json
import os
import platform
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, Final

from devstack import interrupts
from devstack.binaries import PROJECT
from devstack.errors import CannotStartError
from devstack.process import NotReadyError
from devstack.stack import Stack
from tests.compare import page, stage, table

HANG: Final = 10.0
SETTINGS: Final = {
    "DJANGO_SETTINGS_MODULE": "examples.comparison.settings",
    "DJANGO_ALLOWED_HOSTS": "127.0.0.1,testserver",
    "API_RATE_FACTOR": "1000",
    "SANDBOX_HANG": f"{HANG:g}",
    "LOG_LEVEL": "CRITICAL",
}
CHAPTERS: Final = {
    "reading": [
        "reading.lines_of_code",
        "reading.places",
        "reading.files_that_name_crm",
        "reading.files_for_a_listener",
    ],
    "signups": ["signups.survival", "signups.costs", "signups.crashes"],
    "trips": ["trips.statements", "trips.stories", "trips.questions", "trips.turning_back"],
    "crashes": ["trips.crashes"],
    "keyless": ["trips.crashes_without_keys"],
    "latency": ["latency.of_trips", "latency.behind_a_slow_hotel"],
}
"""Only latency is measured with workers, relay and consumers running; for all else one process is each in turns."""


class MeasurementFailed(Exception):
    """A measurement came to no result; the message is what it printed."""


def main() -> int:
    """Measure, print, and keep what was measured."""
    options = _options()
    interrupts.stop_on_signals()
    found: dict[str, Any] = {} if options.names == list(CHAPTERS) else page.read()
    try:
        with _stack() as stack:
            for name in options.names:
                with stage.everybody(stack) if name == "latency" else nullcontext():
                    found |= _inside(stack, *CHAPTERS[name])
    except (CannotStartError, NotReadyError, MeasurementFailed) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    found["slow"] = HANG / 10
    if "latency" in options.names:
        found["circumstances"] = _circumstances()
    sys.stdout.write(f"{table.as_text(table.rows(found))}\n\n{found['circumstances']}\n")
    if not options.dry:
        for path in page.write(found):
            sys.stdout.write(f"wrote {path.relative_to(PROJECT)}\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.compare", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"what to measure again: {', '.join(CHAPTERS)}")
    parser.add_argument("--dry", action="store_true", help="print only, write no page")
    options = parser.parse_args()
    options.names = options.names or list(CHAPTERS)
    if unknown := set(options.names) - set(CHAPTERS):
        parser.error(f"no such chapter: {', '.join(sorted(unknown))}")
    return options


def _stack() -> Stack:
    return Stack(
        directory=PROJECT / "var" / "compare",
        throwaway=True,
        durable=True,
        own_servers=True,
        env=SETTINGS,
        only={"sandbox"},
    )


def _inside(stack: Stack, *names: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.compare.inside", "{}", *names]
    done = subprocess.run(
        command, cwd=PROJECT, env=stack.env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise MeasurementFailed(f"{', '.join(names)} failed:\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _circumstances() -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, load average at the end {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    sys.exit(main())
