"""Chaos of the bus: `python -m tests.chaos.bus --seed 1 --events 10000`.

Six writers, two relays and three consumer processes on servers of their own (loopback). Processes are
killed, and the stream in Redis is set back, deleted, trimmed and flushed; at last Redis is flushed while
nothing else is wrong. Then every event is counted. A catch-up is the time from FLUSHALL until whatever was
committed before has had its effect, whatever else happened meanwhile; a recovery the same in calm.
The same run on the usual recipe is printed beside it. Exit status 1 if this bus lost, doubled or reordered.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from devstack import interrupts
from devstack.servers import Servers

ROW = "{:<40}{:>16}{:>20}"


def main() -> int:
    """Start the servers, run both buses, print what became of the events."""
    options = _options()
    interrupts.stop_on_signals()
    with tempfile.TemporaryDirectory(prefix="travel-chaos-") as directory:
        servers = Servers(directory=Path(directory), throwaway=True, durable=False, own=True)
        with servers:
            os.environ.update(
                servers.env
                | {
                    "DJANGO_SETTINGS_MODULE": "config.settings",
                    "DJANGO_DEBUG": "1",
                    "LOG_LEVEL": "CRITICAL",
                    "EVENTBUS_STREAM_CAP": "1000",
                }
            )
            return _run(options)


def _run(options: argparse.Namespace) -> int:
    # These read the settings, which read the addresses of the servers.
    from django.core.management import call_command  # noqa: PLC0415

    from tests.chaos import bus_ours, bus_run, bus_usual  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    bus_run.FORKS.set_forkserver_preload(["tests.chaos.bus_ours"])
    chosen = [bus_ours] if options.only_ours else [bus_ours, bus_usual]
    outcomes = [
        bus_run.Run(bus, seed=options.seed, events=options.events, rate=options.rate).go(
            most_seconds=options.seconds
        )
        for bus in chosen
    ]
    sys.stdout.write(_report(options, outcomes) + "\n")
    ours = outcomes[0].verdict
    if ours.missing:
        lines = [f"{place}: {value}" for place, value in outcomes[0].whereabouts.items()]
        sys.stdout.write("\n".join(["what is missing", *lines]) + "\n")
    complete = ours.events == options.events + bus_run.CALM_EVENTS == ours.effects
    return 0 if complete and not (ours.missing or ours.doubled or ours.out_of_order) else 1


def _report(options: argparse.Namespace, outcomes: list) -> str:
    mischief = sorted({name for outcome in outcomes for name in outcome.mischief})
    figures = [
        ("events committed", [o.verdict.events for o in outcomes]),
        ("effects", [o.verdict.effects for o in outcomes]),
        ("missing", [o.verdict.missing for o in outcomes]),
        ("doubled", [o.verdict.doubled for o in outcomes]),
        ("out of order within their key", [o.verdict.out_of_order for o in outcomes]),
        *[(name, [o.mischief[name] for o in outcomes]) for name in mischief],
        (
            "longest catch-up, FLUSHALL in chaos, s",
            [f"{max(o.catch_up_seconds, default=0):.1f}" for o in outcomes],
        ),
        ("FLUSHALLs never caught up with", [o.never_caught_up for o in outcomes]),
        (
            "longest recovery, FLUSHALL alone, s",
            [f"{max(o.calm_seconds):.1f}" for o in outcomes],
        ),
        ("seconds", [f"{o.seconds:.0f}" for o in outcomes]),
    ]
    head = ROW if len(outcomes) > 1 else "{:<40}{:>16}"
    lines = [head.format(f"seed {options.seed}", *[o.name for o in outcomes])]
    return "\n".join([*lines, *(head.format(name, *values) for name, values in figures)])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.chaos.bus", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=200, help="events a second, all writers")
    parser.add_argument("--seconds", type=float, default=300, help="the most a run may take")
    parser.add_argument("--only-ours", action="store_true", help="leave out the usual recipe")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
