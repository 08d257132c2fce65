"""The command line: `python -m tests.fuzz [--cases 10000] [--seed 1]`. Exit status 0: nothing was found."""

import argparse
import sys
import time

from devstack import interrupts
from devstack.binaries import PROJECT
from devstack.errors import CannotStartError
from devstack.process import NotReadyError
from devstack.stack import Stack
from tests.fuzz import passes, schemathesis

SETTINGS = {
    "SAGA_CALL_SECONDS": "3",
    "SAGA_LEASE_SECONDS": "6",
    "SAGA_SWEEP_SECONDS": "0.5",
    "API_RATE_FACTOR": "1000",
    "EVENT_STREAM_SECONDS": "0.2",
}


def main() -> int:
    """Serve the API, send so many cases, print what each pass found."""
    options = _options()
    interrupts.stop_on_signals()
    schemathesis.install()
    stack = Stack(
        directory=PROJECT / "var" / "fuzz",
        throwaway=True,
        durable=False,
        own_servers=True,
        env=SETTINGS,
        report=lambda line: sys.stderr.write(f"{line}\n"),
    )
    began = time.monotonic()
    try:
        with stack:
            results = schemathesis.until(
                options.cases, passes.made_on(stack), stack=stack, seed=options.seed
            )
    except (CannotStartError, NotReadyError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 2
    return _report(results, time.monotonic() - began)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="send at least so many requests")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the first round; each takes the next"
    )
    return parser.parse_args()


def _report(results: list[schemathesis.Result], seconds: float) -> int:
    cases = sum(result.cases for result in results)
    found = sum(len(result.failures) for result in results)
    for result in results:
        sys.stdout.write(
            f"{result.name:>24}: {result.cases:6} cases, {len(result.failures)} found\n"
        )
        for failure in result.failures:
            sys.stdout.write(f"{'':>26}{failure}\n")
    sys.stdout.write(f"{cases} cases in {seconds:.0f} s, {found} found\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
