"""The campaign: record every story, let everything go wrong everywhere, count, and say what was found."""

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final, cast

from devstack import interrupts
from tests.crash import ground, plans, workshop
from tests.crash.faults import Case, CaseUnreadable, Outcome
from tests.crash.report import Report

WORKERS: Final = 2
"""One for each core of a small machine: a case keeps one busy, with its servers."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return 1 if anything is wrong."""
    options = _options(argv)
    interrupts.stop_on_signals()
    some = options.case or options.only or options.modes or options.quick or options.every > 1
    whole = not some
    report = Report(sys.stdout, whole=whole)
    with (
        tempfile.TemporaryDirectory() as directory,
        ground.servers(Path(directory)) as running,
        Workers(running) as workers,
    ):
        report.calls_known = workers.calls
        if options.case:
            report.repeat(list(workers.play(options.case)))
        else:
            _campaign(workers, report, options)
        for outcome in workers.settle():
            report.note(outcome)
    return report.finish()


def _campaign(workers: "Workers", report: Report, options: argparse.Namespace) -> None:
    plan = plans.Plan(
        quick=options.quick,
        only=options.only,
        modes=options.modes,
        seeded=workers.seeded,
        every=options.every,
        thorough=options.thorough,
    )
    report.planned = plan.planned
    for phase in plan.phases():
        for outcome in workers.play(phase):
            plan.learn(outcome)
            report.note(outcome)
            if report.too_many:
                return


class Workers:
    """Processes that play cases side by side."""

    def __init__(self, running: ground.Servers) -> None:
        """Take the servers that they share."""
        self._running = running
        self._stack = ExitStack()
        self._lines: list[Connection] = []

    def __enter__(self) -> "Workers":
        """Start them and wait until they are warm."""
        for number in range(WORKERS):
            ours, theirs = multiprocessing.Pipe()
            name, env = f"crash_{number}", ground.environment(self._running, number)
            directory = self._stack.enter_context(ground.directory(number))
            process = multiprocessing.get_context("fork").Process(
                target=workshop.work, args=(theirs, directory, env, name, [*self._lines, ours])
            )
            process.start()
            theirs.close()
            self._stack.callback(process.join, 30)
            self._lines.append(ours)
        for line in self._lines:
            self.calls: set[str]
            self.seeded: list[str]
            self.calls, self.seeded = line.recv()
        return self

    def __exit__(self, *_: object) -> None:
        """Let them end."""
        self._stack.close()

    def settle(self) -> Iterator[Outcome]:
        """Let them end; yield what was still to be found out."""
        for line in self._lines:
            line.send(None)
            yield from line.recv()

    def play(self, cases: Iterable[Case]) -> Iterator[Outcome]:
        """Play cases on all of them; yield the outcomes as they come."""
        waiting = iter(cases)
        busy = [line for line in self._lines if _next(line, waiting)]
        while busy:
            for line in cast("list[Connection]", wait(busy)):
                yield from line.recv()
                if not _next(line, waiting):
                    busy.remove(line)


def _next(line: Connection, waiting: Iterator[Case]) -> bool:
    case = next(waiting, None)
    if case is not None:
        line.send(case)
    return case is not None


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.crash", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a subset, in under a minute")
    parser.add_argument("--thorough", action="store_true", help="leave nothing out: takes hours")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every n-th case only")
    parser.add_argument("--case", action="append", metavar="STORY/FAULT", help="repeat a case")
    parser.add_argument("--only", action="append", metavar="STORY", help="these stories only")
    parser.add_argument(
        "--mode", action="append", dest="modes", choices=plans.MODES, help="these modes only"
    )
    options = parser.parse_args(argv)
    try:
        options.case = [Case.parse(text) for text in options.case or ()]
    except CaseUnreadable as error:
        parser.error(str(error))
    return options
