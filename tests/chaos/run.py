"""One run: calm, chaos, healing, quiescence; then the books are checked."""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from devstack.process import NotReadyError
from devstack.stack import Stack
from tests.chaos import acts, books, invariants, plan, watch
from tests.chaos.journal import Journal
from tests.chaos.load import Load, answer_the_bank
from tests.chaos.nemesis import Nemesis

INSISTING_SECONDS: Final = 25.0
"""How long, after the chaos, a traveller still insists on an answer."""

QUIET_SECONDS: Final = 3.0
"""How long a reservation has to be at rest before its books are compared."""

REPEATED: Final = 60
"""How many of the last commands are sent once more at the end."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run is: seconds of chaos after seconds of calm, and how long it may take to recover.

    `quiescence` counts from healing to rest, `resumption` from a kill until the work goes on.
    """

    seed: int
    seconds: float
    travellers: int = 12
    calm: float = 15.0
    quiescence: float = 60.0
    resumption: float = plan.LEASE_SECONDS + 5


class Run:
    """One seed on one running stack; what it finds stays in its attributes, for the report."""

    def __init__(self, stack: Stack, options: Options, journal: Journal) -> None:
        """Plan the faults and sign the travellers up."""
        stack.manage("seed")
        self.options = options
        self.faults = plan.make(seed=options.seed, seconds=options.seconds)
        self.watch = watch.Watch(stack.urls["postgres"], able=self._somebody_sweeps)
        self.nemesis = Nemesis(stack, witness=self.watch)
        self.load = Load(web=stack.urls["web"], seed=options.seed, travellers=options.travellers)
        self.instants: dict[str, datetime] = {}
        self.rest_after = 0.0
        self.left: Mapping[str, int] = {}
        self.parked: list[dict[str, Any]] = []
        self.strays: list[dict[str, Any]] = []
        self.books = books.Books({name: [] for name in books.TABLES}, books.NOTHING)
        self.violations: dict[str, list[str]] = {}
        self.journal = journal
        self._stack = stack

    @property
    def fenced(self) -> int:
        """Return how many late answers were refused because the call had been claimed again."""
        logs = (process.log for process in self._stack.processes.values())
        return sum(len(re.findall("fenced:", log.read_text())) for log in logs if log.exists())

    def go(self) -> "Run":
        """Go through all phases and judge."""
        self.watch.start()
        try:
            with _loaded(self.load):
                self._phase("calm")
                time.sleep(self.options.calm)
                self._phase("chaos")
                self._strike()
            self._phase("healing")
            self._come_to_rest()
        finally:
            self.watch.stop()
        self._operate()
        self.load.repeat_everything(most=REPEATED)
        self._judge()
        return self

    def _somebody_sweeps(self) -> bool:
        sweepers = [p for p in self._stack.processes.values() if p.name.startswith("sweeper")]
        return any(acts.works(process) for process in sweepers)

    def _phase(self, name: str) -> None:
        self.instants[name] = datetime.now(UTC)
        self.journal(name)

    def _strike(self) -> None:
        """Let the nemesis work in its own thread, so that an interrupt ends it, healed, at once."""
        thread = threading.Thread(
            target=self.nemesis.run,
            args=(self.faults,),
            kwargs={"seconds": self.options.seconds},
        )
        thread.start()
        try:
            thread.join()
        except BaseException:
            self.nemesis.stop()
            thread.join()
            raise

    def _come_to_rest(self) -> None:
        began = time.monotonic()
        for process in self._stack.processes.values():
            try:
                process.wait_ready()
            except NotReadyError as error:  # it died by itself; the supervisor starts it again
                self.journal(str(error).splitlines()[0])
        self.load.join()
        self.left = self._rest(began + 2 * self.options.quiescence)
        self.rest_after = time.monotonic() - began
        self._phase("rest")

    def _rest(self, deadline: float) -> Mapping[str, int]:
        """Wait until nothing is unfinished; customers who are waited for act."""
        database = self._stack.urls["postgres"]
        while left := watch.unfinished(database):
            if time.monotonic() > deadline:
                return left
            for url in watch.challenges(database):
                answer_the_bank(url, succeeds=True)
            time.sleep(0.3)
        return {}

    def _operate(self) -> None:
        """Be the operator: everybody is well again, so let what is parked try once more."""
        done = self._stack.manage("saga", "list", "--parked", "--limit", "1000", "--json")
        self.parked = json.loads(done.stdout)
        about = ("--actor", "chaos", "--reason", "everybody is well again")
        for saga in self.parked:
            self._stack.manage("saga", "retry", str(saga["saga_id"]), *about)
        self._rest(time.monotonic() + self.options.quiescence)
        self._reconcile()

    def _reconcile(self) -> None:
        """Compare all books once more, as the sweeper does now and then, and let strays be taken back."""
        time.sleep(QUIET_SECONDS)
        done = self._stack.manage("saga", "audit", "--heal", "--json", check=False)
        self.strays = json.loads(done.stdout)["discrepancies"]
        if self.strays:
            self._rest(time.monotonic() + self.options.quiescence)
            time.sleep(QUIET_SECONDS)

    def _judge(self) -> None:
        urls, limits = self._stack.urls, self.options
        self.books = books.read(
            database=urls["postgres"], sandbox=urls["sandbox"], receipts=self.load.receipts
        )
        late = [str(call) for call in self.watch.resumed if call.able > limits.resumption]
        slow = [f"{self.rest_after:.1f} s, left: {self.left}"]
        self.violations = invariants.violations(self.books) | {
            "eventbus doctor finds nothing": self._complaints("eventbus", "doctor"),
            "saga audit finds nothing": self._complaints("saga", "audit"),
            "work goes on after a kill": late,
            "at rest soon after healing": slow if self.rest_after > limits.quiescence else [],
            "every fault struck": self.nemesis.failures,
            "every answer could be used": self.load.crashes,
        }

    def _complaints(self, *command: str) -> list[str]:
        done = self._stack.manage(*command, check=False)
        return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()[-2000:]]


@contextmanager
def _loaded(load: Load) -> Iterator[None]:
    load.start()
    try:
        yield
    finally:
        load.stop(within=INSISTING_SECONDS)
