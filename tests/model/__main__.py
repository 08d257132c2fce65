"""`python -m tests.model [--runs N]`: all configurations; prints runs and violations of each. Needs no server."""

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final

from tests.model.bus import BUGS, BusSetting, visit
from tests.model.explore import Report, at_random, exhaustively, replayed, sampled
from tests.model.mutants import MUTANTS
from tests.model.teeth import AT_RANDOM, EXHAUSTIVE, REPLAYED
from tests.model.world import A, B, C, D, Setting

CAP: Final = 12_000
SAMPLES: Final = 6_000
_EVERYTHING: Final = {
    "crashes": 2, "faults": 3, "cancels": 1, "sleeps": 1, "delays": 2, "wait": True, "stubborn": True,
}  # fmt: skip


def _searches(runs: int) -> dict[str, Callable[[], Report]]:
    """Return every configuration by name, each with at most so many runs."""
    cap, samples = min(runs, CAP), range(min(runs, SAMPLES))
    found: dict[str, Callable[[], Report]] = {}
    for partners in ((A,), (B,), (C,), (D,), (A, A), (A, C)):
        who = "".join(partners)
        for what in (
            {"crashes": 2, "faults": 1},
            {"crashes": 1, "faults": 2},
            {"crashes": 1, "faults": 1, "cancels": 1},
            {"faults": 1, "cancels": 1, "wait": True, "stubborn": True},
            {"sleeps": 1, "faults": 1, "cancels": 1},
            {"sleeps": 1, "crashes": 1, "delays": 1, "deadline": 30},
        ):
            setting = Setting(partners=partners, **what)  # type: ignore[arg-type]
            name = f"every choice  {who:4}" + " ".join(f"{k}={v}" for k, v in what.items())
            found[name] = partial(exhaustively, setting, at_most=cap)
    for what in ({"sleeps": 1, "faults": 1}, {"sleeps": 1, "cancels": 1, "crashes": 1}):
        setting = Setting(partners=(A,), asleep_at_the_send=True, **what)
        name = "every choice  A   asleep at the send " + " ".join(what)
        found[name] = partial(exhaustively, setting, at_most=cap)
    for partners in ((A, B), (B, C), (C, C), (A, B, C), (D, A)):
        who = "".join(partners)
        setting = Setting(partners=partners, **_EVERYTHING)  # type: ignore[arg-type]
        found[f"sampled       {who:4}everything"] = partial(sampled, setting, seeds=samples)
        for deadline in (300, 30):
            setting = Setting(partners=partners, faults=6, cancels=2, deadline=deadline, quiet=7)
            name = f"three workers {who:4}deadline={deadline}"
            found[name] = partial(at_random, setting, seeds=samples)
    return found


def _seeded() -> dict[str, Callable[[], Report]]:
    return {
        **{
            name: partial(exhaustively, setting, mutant=MUTANTS[name], first=True)
            for name, setting in EXHAUSTIVE.items()
        },
        **{
            name: partial(at_random, setting, mutant=MUTANTS[name], seeds=seeds)
            for name, (setting, seeds) in AT_RANDOM.items()
        },
        **{
            name: partial(replayed, setting, choices, mutant=MUTANTS[name])
            for name, (setting, choices) in REPLAYED.items()
        },
    }


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run everything on two processes; return 1 if an invariant broke or a seeded bug went unseen."""
    parser = argparse.ArgumentParser(prog="tests.model", description=__doc__)
    parser.add_argument("--runs", type=int, default=CAP, help="of a configuration, at most")
    most = parser.parse_args().runs
    started, runs, broken = time.monotonic(), 0, 0
    with ProcessPoolExecutor(2) as pool:
        searches = {name: pool.submit(search) for name, search in _searches(most).items()}
        for name, search in searches.items():
            report = search.result()
            runs, broken = runs + report.runs, broken + report.count
            cap = "" if report.complete else " (stopped at the cap)"
            _say(f"{name:62}{report.runs:>8} runs{cap}, {report.count} violating")
            for what, trace in report.found.items():
                _say("\n".join([f"  {what}", *(f"    {line}" for line in trace)]))
        seeded = {name: pool.submit(search) for name, search in _seeded().items()}
        unseen = [name for name, search in seeded.items() if not search.result().found]
        bus = pool.submit(visit, BusSetting(crashes=1, losses=1, failures=1)).result()
        unseen += [bug for bug, setting in BUGS.items() if not visit(setting, bug=bug).violation]
    _say(f"the bus: every one of {bus.states} states visited; {bus.violation or 'none is wrong'}")
    seconds, all_bugs = time.monotonic() - started, len(seeded) + len(BUGS)
    _say(f"{runs} runs, {broken} violating an invariant, {seconds:.0f} s")
    _say(f"{all_bugs - len(unseen)} of {all_bugs} seeded bugs seen {unseen or ''}")
    return 1 if broken or bus.violation or unseen else 0


if __name__ == "__main__":
    sys.exit(main())
