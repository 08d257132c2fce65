"""What a campaign found: counts by mode and story, the labels crossed, violations, time."""

import time
from collections import Counter
from typing import Final, TextIO

from tests.crash import labels
from tests.crash.faults import Outcome

PROGRESS: Final = 100
ENOUGH: Final = 25
"""Violations after which a campaign stops: something is broken everywhere."""


class Report:
    """Counts outcomes as they come and prints the table at the end."""

    def __init__(self, out: TextIO, *, whole: bool) -> None:
        """Write to `out`; of a `whole` campaign every label must have been hit."""
        self._out = out
        self._whole = whole
        self.calls_known: set[str] = set()
        self.planned: Counter[str] = Counter()
        self._calls: set[str] = set()
        self._began = time.monotonic()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._failed: list[Outcome] = []
        self._labels: set[str] = set()
        self._seen: set[str] = set()
        self._idle: list[str] = []

    @property
    def too_many(self) -> bool:
        """Whether it makes no sense to go on."""
        return len(self._failed) >= ENOUGH

    def note(self, outcome: Outcome) -> None:
        """Count one outcome; print what is wrong at once, with the words that repeat it."""
        self._counts[outcome.mode, outcome.story] += 1
        if (done := sum(self._counts.values())) % PROGRESS == 0:
            self._line(
                f"... {done} cases in {time.monotonic() - self._began:.0f}s ({outcome.mode})"
            )
        self._labels.update(labels.of(outcome.died_at))
        self._seen |= labels.of(outcome.crossed)
        self._calls |= set(outcome.calls)
        if not outcome.struck:
            self._idle.append(outcome.case)
        if outcome.mode == "teeth" and not outcome.violations:
            self._line(f"seeded bug {outcome.case}: {outcome.status}")
        if outcome.violations:
            self._failed.append(outcome)
            self._fail(outcome)

    def repeat(self, outcomes: list[Outcome]) -> None:
        """Print all that is known of single cases."""
        for outcome in outcomes:
            self.note(outcome)
            self._line(f"{outcome.case}: {outcome.status}, retried by hand {outcome.parked} times")
            for label in outcome.died_at:
                self._line(f"  died at: {label}")
            for number, label in enumerate(outcome.crossed, 1):
                self._line(f"  {number:4} {label}")

    def finish(self) -> int:
        """Print the table; return 1 if anything is wrong."""
        seconds = time.monotonic() - self._began
        modes = Counter[str]()
        for (mode, _), count in self._counts.items():
            modes[mode] += count
        for mode, count in modes.items():
            stories = len({story for found, story in self._counts if found == mode})
            of = f" of {self.planned[mode]}" if self.planned[mode] > count else ""
            self._line(f"{mode:10} {count:6} cases{of} of {stories} stories")
        if self._idle:
            self._line(f"{len(self._idle)} faults had no occasion: {self._idle[:5]}")
        gaps = self._gaps()
        for gap in gaps:
            self._line(f"FAILED {gap}")
        total, bad = sum(modes.values()), len(self._failed) + len(gaps)
        self._line(
            f"labels died at: {len(self._labels)} of {len(labels.LABELS)};"
            f" calls of the flows made: {len(self._calls)} of {len(self.calls_known)};"
            f" violations: {len(self._failed)}"
        )
        self._line(f"{total - len(self._failed)} passed, {bad} failed in {seconds:.0f}s")
        return 1 if bad else 0

    def _gaps(self) -> list[str]:
        """Return what was crossed and is not registered and, of a whole campaign, what was never died at."""
        unknown = sorted((self._seen | self._labels) - labels.LABELS)
        gaps = [f"the door is not registered: {label}" for label in unknown]
        if self._whole:
            gaps += [f"nobody died at: {label}" for label in sorted(labels.LABELS - self._labels)]
            gaps += [f"never made: {call}" for call in sorted(self.calls_known - self._calls)]
        return gaps

    def _fail(self, outcome: Outcome) -> None:
        self._line(f"FAILED {outcome.case} ({outcome.status})")
        for label in outcome.died_at:
            self._line(f"    died at: {label}")
        for violation in outcome.violations:
            self._line("    " + violation.rstrip().replace("\n", "\n    "))
        self._line(f'    repeat: python -m tests.crash --case "{outcome.case}"')

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()
