"""The doors out of a process, as the harness sees them: every crossing is counted, and may be the last.

A crossing is one side of one effect: `worker http PUT orders before`. The n-th crossing of a run is
always the same one, which is what makes a case repeatable.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from tests.crash.faults import Fault


@dataclass
class Doors:
    """What was crossed so far, who is crossing, and what is to go wrong."""

    fault: Fault = field(default_factory=Fault)
    open: bool = False
    actor: str = ""
    crossed: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    struck: bool = False
    woken: bool = False
    messages: str = ""
    meanwhile: dict[int, Callable[[], object]] = field(default_factory=dict)
    last_words: Callable[[str], None] = lambda label: None

    def reset(self) -> None:
        """Forget what another life crossed."""
        self.__init__()  # type: ignore[misc]

    def watch(self, fault: Fault, last_words: Callable[[str], None]) -> None:
        """Begin to count; `last_words` hears the label at which the process dies."""
        self.fault, self.last_words, self.open = fault, last_words, True
        if fault.what == "messages":
            self.messages = fault.how

    def cross(self, door: str, side: str, what: str = "") -> None:
        """Pass one side of a door, or die there."""
        if self.reaches(door, side, what):
            self.die()

    def reaches(self, door: str, side: str, what: str = "") -> bool:
        """Count a crossing; return whether this is where the process is to die."""
        if not self.open:
            return False
        self.crossed.append(" ".join(word for word in (self.actor, door, what, side) if word))
        here = len(self.crossed) == self.fault.at
        if here and self.fault.what == "sleep":
            self.sleep()
        return here and self.fault.what == "kill"

    def sleep(self) -> None:
        """Stop until somebody sends SIGCONT; what was under way is then finished, and nothing else begun."""
        self.last_words(self.crossed[-1])
        os.kill(os.getpid(), signal.SIGSTOP)
        self.woken = True

    def die(self) -> NoReturn:
        """End as `kill -9` ends a process: nothing is flushed, closed or told."""
        self.last_words(self.crossed[-1])
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("SIGKILL was survived")

    def strikes(self, what: str) -> str:
        """Count an occasion for a fault of a kind; return how it goes wrong now, "" if it does not."""
        if not self.open:
            return ""
        self.counted[what] += 1
        fault, number = self.fault, self.counted[what]
        hit = fault.what == what and (number == fault.at or (fault.always and number > fault.at))
        self.struck = self.struck or hit
        return fault.how if hit else ""

    def while_calling(self) -> None:
        """Let happen what is to happen while the present HTTP request is on its way."""
        happens = self.meanwhile.pop(self.counted["call"], None)
        if happens is not None:
            happens()

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self.fault = Fault()

    @contextmanager
    def acting(self, actor: str) -> Iterator[None]:
        """Name who crosses while the block lasts."""
        before, self.actor = self.actor, actor
        try:
            yield
        finally:
            self.actor = before

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let the harness itself look and prepare, uncounted."""
        before, self.open = self.open, False
        try:
            yield
        finally:
            self.open = before


DOORS = Doors()
