"""Do what the plan says at its times, keep the proofs, and bring everything back in the end."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from devstack.stack import Stack
from tests.chaos.acts import TROUBLE, Acts, Witness
from tests.chaos.plan import Fault


@dataclass(frozen=True, kw_only=True)
class Strike:
    """A fault that was tried `at` seconds after the chaos began, and the proof ("": it did not strike)."""

    fault: Fault
    at: float
    proof: str
    trouble: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**asdict(self.fault), "struck_at": self.at, "proof": self.proof} | (
            {"trouble": self.trouble} if self.trouble else {}
        )


class Nemesis:
    """Strikes in the thread that calls `run`."""

    def __init__(self, stack: Stack, *, witness: Witness) -> None:
        """Take the running system, and who knows what it is doing."""
        self.strikes: list[Strike] = []
        self.not_healed: list[str] = []
        self._acts = Acts(stack, later=self._later, witness=witness)
        self._away: list[tuple[float, int, str, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._stopped = threading.Event()

    @property
    def failures(self) -> list[str]:
        """Return what did not strike, and what could not be brought back."""
        missed = [f"{s.fault}: {s.trouble}" for s in self.strikes if not s.proof]
        return missed + self.not_healed

    def run(self, faults: tuple[Fault, ...], *, seconds: float) -> None:
        """Strike each fault at its time (or as soon after it as the ones before let it), then heal."""
        began = time.monotonic()
        try:
            for fault in faults:
                self._wait_until(max(began + fault.at, self._back_at(fault.target)))
                if self._stopped.is_set():
                    return
                self._strike(fault, began)
            self._wait_until(began + seconds)
        finally:
            self.heal()

    def stop(self) -> None:
        """Leave `run` soon."""
        self._stopped.set()

    def heal(self) -> None:
        """Bring back everything that is still away; afterwards all processes run."""
        while self._away:
            self._bring_back()

    def _strike(self, fault: Fault, began: float) -> None:
        at = round(time.monotonic() - began, 2)
        proof = trouble = ""
        try:
            proof = self._acts.do(fault)
        except TROUBLE as error:
            trouble = f"{type(error).__name__}: {error}"
        self.strikes.append(Strike(fault=fault, at=at, proof=proof, trouble=trouble))

    def _bring_back(self) -> None:
        """Undo what is due first."""
        try:
            heapq.heappop(self._away)[-1]()
        except TROUBLE as error:
            self.not_healed.append(f"{type(error).__name__}: {error}")

    def _wait_until(self, moment: float) -> None:
        """Wait, and bring back meanwhile what has been away long enough."""
        while not self._stopped.is_set():
            now = time.monotonic()
            while self._away and self._away[0][0] <= now:
                self._bring_back()
            if now >= moment:
                return
            due = self._away[0][0] if self._away else moment
            self._stopped.wait(max(0.0, min(moment, due) - time.monotonic()))

    def _back_at(self, target: str) -> float:
        """Return when what struck a target last is to be undone: it cannot be struck again before."""
        return max((due for due, _, name, _ in self._away if name == target), default=0.0)

    def _later(self, fault: Fault, undo: Callable[[], object]) -> None:
        due = time.monotonic() + fault.seconds
        heapq.heappush(self._away, (due, next(self._numbers), fault.target, undo))
