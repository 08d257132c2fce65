"""Which cases a campaign plays: discovered from what the undisturbed stories crossed, not listed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from tests.crash.faults import Case, Fault, Outcome
from tests.crash.stories import BY_NAME, STORIES, Story

MODES: Final = (
    "record",
    "kill",
    "double",
    "sleep",
    "call",
    "always",
    "statement",
    "commit",
    "messages",
    "teeth",
)
QUICK: Final = ("hotel-sold-out", "capture-unanswered")
QUICK_MODES: Final = ("record", "kill", "sleep", "call", "messages", "teeth")
QUICK_SEEDED: Final = ("silence-is-a-no", "compensation-gives-up", "tells-after-the-commit")
QUICK_EVERY: Final = 6
"""Of a quick campaign every sixth case is played."""
TWICE: Final = ("all-succeed", "hotel-sold-out")
"""The stories whose recoveries are killed, too."""
THINNED: Final = ("double", "call", "always", "statement", "commit")
THIN: Final = 3
"""Of these modes every third case is played, unless all are asked for."""
BROKER: Final = ("kept", "flushed")


class Plan:
    """The cases, phase by phase; what one phase finds decides the next."""

    def __init__(
        self,
        *,
        quick: bool,
        only: list[str] | None = None,
        modes: list[str] | None = None,
        seeded: Sequence[str] = (),
        every: int = 1,
        thorough: bool = False,
    ) -> None:
        """Take all stories (or `only` some) and all modes (or some), and `every` n-th of their cases.

        Unless `thorough` the modes that multiply most are thinned out.
        """
        self._thorough = thorough
        self._every = QUICK_EVERY if quick else every
        self.planned: Counter[str] = Counter()
        chosen = [BY_NAME[name] for name in only] if only else list(STORIES)
        self._stories = [BY_NAME[name] for name in QUICK] if quick and not only else chosen
        self._modes = set(modes or (QUICK_MODES if quick else MODES))
        self._seeded = QUICK_SEEDED if quick else seeded
        self._traces: dict[str, Outcome] = {}
        self._recoveries: dict[tuple[str, tuple[str, ...]], Case] = {}

    def phases(self) -> Iterator[list[Case]]:
        """Yield lists of cases; `learn` must have seen the outcomes of one before the next is asked for."""
        yield [Case(story.name, mode="record") for story in self._stories for _ in range(2)]
        for mode in MODES[1:]:
            if mode == "teeth" and mode in self._modes:
                yield [Case("", mode="teeth", mutant=name) for name in self._seeded]
            elif mode in self._modes:
                make = getattr(self, f"_{mode}")
                cases = [case for story in self._stories for case in make(story)]
                self.planned[mode] = len(cases)
                thin = THIN if mode in THINNED and not self._thorough else 1
                yield cases[:: self._every * thin]

    def learn(self, outcome: Outcome) -> None:
        """Remember what a story crosses, and how the recoveries differ; judge that both recordings agree."""
        story = outcome.story
        if outcome.mode == "record":
            _compare(self._traces.setdefault(story, outcome), outcome)
        elif outcome.mode == "kill" and story in TWICE and not outcome.violations:
            self._recoveries.setdefault((story, tuple(outcome.crossed)), Case.parse(outcome.case))

    def _kill(self, story: Story) -> Iterator[Case]:
        for at in range(1, len(self._traces[story.name].crossed) + 1):
            hows = BROKER if self._thorough else (BROKER[at // 2 % 2],)
            for how in hows:
                yield Case(story.name, (Fault("kill", at, how),), "kill")

    def _double(self, story: Story) -> Iterator[Case]:
        for (name, crossed), first in self._recoveries.items():
            if name == story.name:
                for at in range(1, len(crossed) + 1):
                    again = Fault("kill", at, BROKER[at % 2])
                    yield Case(name, (*first.faults, again), "double")

    def _sleep(self, story: Story) -> Iterator[Case]:
        """A request that leaves after all quiet periods is safe with partners of class A only."""
        trusted = not any(leg.startswith(("budgetair", "oldinn")) for leg in story.legs)
        for at, label in enumerate(self._traces[story.name].crossed, 1):
            if story.core and _in_flight(label, before=trusted):
                yield Case(story.name, (Fault("sleep", at, "woken"),), "sleep")

    def _call(self, story: Story) -> Iterator[Case]:
        for at in range(1, self._count(story, "call") + 1):
            for how in ("unsent", "lost", "unanswered", "broken"):
                yield Case(story.name, (Fault("call", at, how),), "call")

    def _always(self, story: Story) -> Iterator[Case]:
        for at in range(1, self._count(story, "call") + 1):
            for how in ("unsent", "lost", "unanswered", "broken") if story.core else ("lost",):
                yield Case(story.name, (Fault("call", at, how, always=True),), "always")

    def _statement(self, story: Story) -> Iterator[Case]:
        for at in range(1, self._count(story, "statement") + 1):
            for how in ("disconnected", "cancelled") if story.core else ():
                yield Case(story.name, (Fault("statement", at, how),), "statement")

    def _commit(self, story: Story) -> Iterator[Case]:
        for at in range(1, self._count(story, "commit") + 1):
            yield Case(story.name, (Fault("commit", at, "unanswered"),), "commit")

    def _messages(self, story: Story) -> Iterator[Case]:
        for how in ("drop", "triple"):
            yield Case(story.name, (Fault("messages", 1, how),), "messages")

    def _count(self, story: Story, what: str) -> int:
        return self._traces[story.name].counted.get(what, 0)


def _in_flight(label: str, *, before: bool) -> bool:
    actor, door, *_, side = label.split(" ")
    return actor == "worker" and door == "http" and (before or side == "unread")


def suspects(story: str, kinds: Sequence[str], undisturbed: Outcome) -> Iterator[Case]:
    """Yield the cases in which a seeded bug is looked for, after the undisturbed story.

    Most show where a commit is the last thing that a process did, the later the sooner.
    """
    numbered = [*enumerate(undisturbed.crossed, 1)]
    numbered.sort(key=lambda one: (one[1].endswith(" sent"), one[0]), reverse=True)
    for kind in kinds:
        for at, label in numbered:
            if kind == "kill":
                yield Case(story, (Fault("kill", at, BROKER[at % 2]),))
            elif _in_flight(label, before=True):
                yield Case(story, (Fault("sleep", at, "woken"),))


def _compare(first: Outcome, second: Outcome) -> None:
    ends = BY_NAME[second.story].ends
    if second.status != ends:
        second.violations.append(f"the story is to end {ends}, not {second.status}")
    if first.crossed != second.crossed:
        at, pair = next(
            (number, pair)
            for number, pair in enumerate(zip(first.crossed, second.crossed, strict=False), 1)
            if pair[0] != pair[1]
        )
        second.violations.append(f"not deterministic: crossing {at} is {pair}")
