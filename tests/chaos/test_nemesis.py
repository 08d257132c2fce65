"""The nemesis keeps the times of its plan, the proofs of its strikes, and brings everything back."""

import threading
import time

import pytest

from tests.chaos.acts import NotStruckError
from tests.chaos.nemesis import Nemesis
from tests.chaos.plan import Fault


class Stage:
    """Acts that only take notes; `refuse` names a target that cannot be struck."""

    def __init__(self, *, refuse: str = "") -> None:
        self.notes: list[str] = []
        self._refuse = refuse

    def on(self, nemesis: Nemesis) -> Nemesis:
        nemesis._acts = self
        self._nemesis = nemesis
        return nemesis

    def do(self, fault: Fault) -> str:
        if fault.target == self._refuse:
            raise NotStruckError("it was away")
        self.notes.append(f"down {fault.target}")
        self._nemesis._later(fault, lambda: self.notes.append(f"up {fault.target}"))
        return "seen"


@pytest.fixture
def stage():
    return Stage()


def nemesis(stage):
    return stage.on(Nemesis(None, witness=None))


def fault(target, *, at=0.0, seconds=0.0):
    return Fault(at=at, act="kill", target=target, seconds=seconds)


def test_what_was_struck_comes_back_in_its_time(stage):
    nemesis(stage).run((fault("a", seconds=0.2), fault("b", at=0.1)), seconds=0.5)

    assert stage.notes == ["down a", "down b", "up b", "up a"]


def test_nothing_is_struck_before_it_is_back(stage):
    nemesis(stage).run((fault("a", seconds=0.2), fault("a", at=0.1)), seconds=0.3)

    assert stage.notes == ["down a", "up a", "down a", "up a"]


def test_at_the_end_everything_is_back(stage):
    nemesis(stage).run((fault("a", seconds=60),), seconds=0.1)

    assert stage.notes == ["down a", "up a"]


def test_an_interrupt_ends_it_and_brings_everything_back(stage):
    running = nemesis(stage)
    faults = (fault("a", seconds=60), fault("b", at=60))
    thread = threading.Thread(target=running.run, args=(faults,), kwargs={"seconds": 120})
    thread.start()
    while not stage.notes:
        time.sleep(0.01)

    running.stop()
    thread.join(5)

    assert not thread.is_alive()
    assert stage.notes == ["down a", "up a"]


def test_a_strike_without_effect_is_a_failure():
    running = nemesis(Stage(refuse="b"))

    running.run((fault("a"), fault("b")), seconds=0.1)

    assert running.failures == ["0.0 kill b: NotStruckError: it was away"]
    assert [strike.proof for strike in running.strikes] == ["seen", ""]
