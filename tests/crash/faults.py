"""What goes wrong in a case, and how a case is written down so that it can be repeated."""

from dataclasses import dataclass, field
from typing import Final, Self

KINDS: Final = {
    "kill": ("kept", "flushed"),
    "sleep": ("woken",),
    "call": ("unsent", "lost", "unanswered", "broken"),
    "statement": ("disconnected", "cancelled"),
    "commit": ("unanswered",),
    "messages": ("drop", "triple"),
    "none": ("",),
}
"""What can go wrong -> how.

- kill: SIGKILL at the n-th crossing of a door; the broker keeps what was not acknowledged, or is emptied;
- sleep: the process stops at the n-th crossing, with an HTTP request on its way, and wakes up and goes
  on when all the others have recovered from its silence;
- call: the n-th HTTP request is not sent, has no effect and no answer, has its effect and no
  answer, or is answered 500 without effect;
- statement: the connection breaks before the n-th statement, or PostgreSQL cancels it;
- commit: the n-th commit takes place, and the client never hears of it;
- messages: every message to the broker is lost, or arrives three times.
"""


class CaseUnreadable(ValueError):
    """The words after `--case` are not a case."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: `what` at the `at`-th time, `how`; with `always` from then on."""

    what: str = "none"
    at: int = 0
    how: str = ""
    always: bool = False

    def __str__(self) -> str:
        """Write it as `parse` reads it: `kill@57:kept`, `call@3+:lost`."""
        if self.what == "none":
            return "none"
        return f"{self.what}@{self.at}{'+' if self.always else ''}:{self.how}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a fault.

        Raises:
            CaseUnreadable: it is not one.
        """
        if text == "none":
            return cls()
        what, _, rest = text.partition("@")
        number, _, how = rest.partition(":")
        always = number.endswith("+")
        if not number.rstrip("+").isdigit() or how not in KINDS.get(what, ()):
            raise CaseUnreadable(f"{text!r} is no fault; known: {KINDS}")
        return cls(what=what, at=int(number.rstrip("+")), how=how, always=always)


@dataclass(frozen=True)
class Case:
    """A story and what goes wrong in it; each fault after the first strikes the recovery from the one before."""

    story: str
    faults: tuple[Fault, ...] = (Fault(),)
    mode: str = ""
    mutant: str = ""

    def __str__(self) -> str:
        """Write it as the command line takes it: `all-succeed/kill@57:kept/kill@3:flushed`.

        With a seeded bug: `no-fence!all-succeed/sleep@20:woken`.
        """
        seeded = f"{self.mutant}!" if self.mutant else ""
        return seeded + "/".join([self.story, *map(str, self.faults)])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a case.

        Raises:
            CaseUnreadable: it is not one.
        """
        mutant, _, rest = text.rpartition("!")
        story, *words = rest.split("/")
        faults = tuple(Fault.parse(fault) for fault in words) or (Fault(),)
        return cls(story, faults, "repeat", mutant)


@dataclass
class Outcome:
    """What came of a case: what was violated (nothing, if all is well) and the crossings of each life."""

    case: str
    mode: str
    violations: list[str] = field(default_factory=list)
    crossed: list[str] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    died_at: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    struck: bool = True
    status: str = ""
    parked: int = 0

    @property
    def story(self) -> str:
        """The story's name."""
        return self.case.rpartition("!")[2].partition("/")[0]
