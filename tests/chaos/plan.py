"""What is going to be broken, and when: one seed, one plan."""

import random
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

LEASE_SECONDS: Final = 4.0
"""How long a worker's claim lasts during a run; a pause outlasts it."""

RESTART_SECONDS: Final = 2.5
"""After its time down, a process is left alone so long: it has to come up to be killed again."""

PER_MINUTE: Final[Mapping[str, float]] = {
    "kill": 47,
    "kill a web worker": 3,
    "pause": 6,
    "kill redis": 1.5,
    "shut redis down": 1,
    "FLUSHALL": 1.5,
    "drop redis clients": 1,
    "restart postgres": 1.2,
    "kill postgres": 0.6,
    "drop postgres clients": 1,
    "outage": 5,
    "kill partners": 1,
}
"""How often each fault strikes; every one strikes at least once, however short the run."""

DOWN: Final[Mapping[str, tuple[float, float]]] = {
    "kill": (0.0, 1.5),
    "pause": (LEASE_SECONDS + 4, LEASE_SECONDS + 6),  # until the sweeper goes on without it
    "kill redis": (0.0, 3.0),
    "shut redis down": (0.0, 2.0),
    "kill postgres": (0.0, 2.0),
    "outage": (1.0, 4.0),
    "kill partners": (0.0, 1.0),
}
"""How many seconds what was struck stays away, at least and at most."""

PROCESSES: Final[Mapping[str, float]] = {
    "worker-reservation": 3,
    "worker-provider": 4,
    "worker-payment": 3,
    "sweeper": 2,
    "sweeper-2": 2,
    "relay": 1.5,
    "relay-2": 1.5,
    "consumer-crm": 1.5,
    "consumer-crm-2": 1.5,
    "worker-crm": 1,
    "messages-crm": 1,
    "web": 0.6,
}
"""Every process of ours, with how often it is killed in proportion to the others."""

PAUSED: Final[Mapping[str, float]] = {
    **dict.fromkeys(PROCESSES, 0.4),
    "worker-reservation": 2,
    "worker-provider": 3,
    "worker-payment": 2,
    "sweeper": 1,
}
"""How often each is paused: most of all those that are likely to be in the middle of a call."""

PARTNERS: Final = ("skyways", "restwell", "wheelio", "budgetair", "oldinn", "cards")
MODES: Final = ("down", "slow", "hang")
LOSSES: Final = frozenset({"kill redis", "shut redis down", "FLUSHALL"})
RESTARTS: Final = frozenset({"restart postgres", "kill postgres"})
KILLS: Final = frozenset({"kill", "kill a web worker"})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing to do at `at` seconds after the chaos began; what it hits stays away for `seconds`."""

    at: float
    act: str
    target: str = ""
    mode: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        away = f" ({self.seconds:.1f} s)" if self.seconds else ""
        name = f"{self.act} {self.target} {self.mode}".strip()
        return f"{self.at:.1f} {name}{away}"


def make(*, seed: int, seconds: float) -> tuple[Fault, ...]:
    """Return the faults of a run in order of time; the same seed and length give the same ones."""
    dice = random.Random(seed)
    moments = sorted(
        (dice.uniform(0, seconds), act)
        for act, rate in PER_MINUTE.items()
        for _ in range(max(1, round(rate * seconds / 60)))
    )
    free_from: dict[str, float] = {}
    faults = (_fault(dice, at, act, free_from) for at, act in moments)
    return tuple(sorted(faults, key=lambda fault: fault.at))


def as_text(faults: Iterable[Fault]) -> str:
    """Return the plan for people, many faults on a line."""
    return textwrap.fill(
        ", ".join(map(str, faults)), 110, initial_indent="  ", subsequent_indent="  "
    )


def _fault(dice: random.Random, at: float, act: str, free_from: dict[str, float]) -> Fault:
    """Choose a target that is not down already; if all are, wait for the first to be back."""
    weights = _targets(act)
    first = min(free_from.get(name, 0.0) for name in weights)
    at = max(at, first)
    free = [name for name in weights if free_from.get(name, 0.0) <= at]
    [target] = dice.choices(free, [weights[name] for name in free])
    low, high = DOWN.get(act, (0.0, 0.0))
    seconds = round(dice.uniform(low, high), 2)
    mode = dice.choice(MODES) if act == "outage" else ""
    free_from[target] = at + seconds + RESTART_SECONDS
    return Fault(at=round(at, 2), act=act, target=target, mode=mode, seconds=seconds)


def _targets(act: str) -> Mapping[str, float]:
    """Return what an act may hit, with weights; what cannot be hit at once shares a name."""
    if act in {"kill", "pause"}:
        return PROCESSES if act == "kill" else PAUSED
    if act == "outage":
        return dict.fromkeys(PARTNERS, 1.0)
    return {_ONLY_TARGET[act]: 1.0}


_ONLY_TARGET: Final = {
    "kill a web worker": "web",
    "kill redis": "redis",
    "shut redis down": "redis",
    "FLUSHALL": "redis",
    "drop redis clients": "redis",
    "restart postgres": "postgres",
    "kill postgres": "postgres",
    "drop postgres clients": "postgres",
    "kill partners": "sandbox",
}
