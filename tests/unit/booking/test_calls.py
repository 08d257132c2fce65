"""Making calls: what an answer, an error or a silence amounts to, and that none outlives its deadline."""

import queue
import threading
import time
from contextvars import ContextVar
from typing import Any

import pytest

from booking.orchestrator import calls
from booking.orchestrator.calls import Absent, Answered, Claim, Failed, MustWait, Phase, Refused
from outbound.call import Call, ErrorAnswered, NotSent, Waiting
from tests import toy
from tests.unit.booking.desk import START, SUBJECT

CIRCUMSTANCE: ContextVar[str] = ContextVar("circumstance", default="none")


class Prepared:
    """An operation that does what it was told to, and remembers what it was asked."""

    def __init__(self, outcome: object = None, *, seconds: float = 0.0) -> None:
        self.outcome = outcome
        self.seconds = seconds
        self.asked: list[tuple[Any, ...]] = []

    def call(self, request: object, call: Call) -> object:
        return self._do("call", request, call)

    def probe(self, request: object, call: Call) -> object:
        return self._do("probe", request, call)

    def _do(self, *asked: object) -> object:
        thread = threading.current_thread()
        self.asked.append((*asked, thread.name, thread.daemon, CIRCUMSTANCE.get()))
        time.sleep(self.seconds)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def claim(operation: Prepared, *, seconds: float = 5.0, item: str = "", **fields: Any) -> Claim:
    call = Call(
        saga_id=SUBJECT, subject_id=SUBJECT, step="book", item=item, key=f"key {item}".strip(),
        now=START, seconds=seconds,
    )  # fmt: skip
    made: dict[str, Any] = {
        "id": ("book", item, "forward"), "epoch": 1, "phase": Phase.SEND, "operation": operation,
        "request": "request", "call": call, "refused_by": (toy.No,), "retry_on": (OSError,),
        "not_after": float("inf"),
    }  # fmt: skip
    return Claim(**made | fields)


def test_what_is_sent_and_what_is_asked() -> None:
    sent, asked = Prepared("done"), Prepared("done")

    assert calls.outcome_of(claim(sent)) == Answered("done")
    assert calls.outcome_of(claim(asked, phase=Phase.PROBE)) == Answered("done")

    assert sent.asked[0][:3] == ("call", "request", claim(sent).call)
    assert asked.asked[0][:3] == ("probe", "request", claim(asked).call)


@pytest.mark.parametrize("phase", [Phase.PROBE, Phase.VERIFY])
def test_asked_who_knows_nothing_says_so(phase: Phase) -> None:
    assert calls.outcome_of(claim(Prepared(None), phase=phase)) == Absent()


def test_a_call_may_have_no_answer_worth_keeping() -> None:
    assert calls.outcome_of(claim(Prepared(None))) == Answered(None)


def test_a_worker_that_slept_through_its_lease_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls.time, "monotonic", lambda: 100.0)
    late = Prepared("done")

    assert calls.outcome_of(claim(late, not_after=99.0)) == Failed(
        "this worker slept through its lease", sent=False, ours=True
    )
    assert late.asked == []
    assert calls.outcome_of(claim(late, not_after=100.0)) == Answered("done")


@pytest.mark.parametrize(
    ("phase", "error", "outcome"),
    [
        ("send", NotSent("down"), Failed("NotSent: down", sent=False, again=False)),
        ("send", OSError("late"), Failed("OSError: late")),
        ("send", KeyError("odd"), Failed("KeyError: 'odd'", again=False)),
        ("send", ErrorAnswered("500"), Failed("ErrorAnswered: 500", answered=True, again=False)),
        ("probe", ErrorAnswered("500"), Failed("ErrorAnswered: 500", again=False)),
        ("probe", NotSent("down"), Failed("NotSent: down", sent=False, again=False)),
    ],
)
def test_trouble_says_what_may_have_happened_and_whether_it_is_worth_another_try(
    phase: str, error: Exception, outcome: Failed
) -> None:
    assert calls.outcome_of(claim(Prepared(error), phase=Phase(phase))) == outcome


def test_what_never_left_may_be_worth_another_try() -> None:
    assert calls.outcome_of(claim(Prepared(NotSent("down")), retry_on=(NotSent,))) == Failed(
        "NotSent: down", sent=False, again=True
    )


def test_trouble_is_logged_under_the_key_of_the_call(caplog: pytest.LogCaptureFixture) -> None:
    calls.outcome_of(claim(Prepared(OSError("late"))))

    assert caplog.messages == ["send key: OSError: late"]


def test_a_no_and_a_wait_are_answers() -> None:
    no, wait = toy.No("sold out"), Waiting({"url": "x"}, seconds=9)

    assert calls.outcome_of(claim(Prepared(no))) == Refused(no)
    assert calls.outcome_of(claim(Prepared(wait))) == MustWait(wait)


def test_calls_are_made_side_by_side_and_reported_as_they_come_in() -> None:
    slow, quick = Prepared("slow", seconds=0.1), Prepared("quick")
    both = [claim(slow, item="slow"), claim(quick, item="quick")]

    found = list(calls.make(both))

    assert [outcome for _, outcome in found] == [Answered("quick"), Answered("slow")]
    assert [made for made, _ in found] == [both[1], both[0]]


def test_a_call_runs_in_the_circumstances_of_its_worker_and_never_keeps_it_alive() -> None:
    operation = Prepared("done")
    token = CIRCUMSTANCE.set("request 1")

    list(calls.make([claim(operation, item="flight")]))

    CIRCUMSTANCE.reset(token)
    assert operation.asked[0][3:] == ("call-book-flight", True, "request 1")


def test_who_does_not_answer_in_time_is_reported_as_sent() -> None:
    never = [claim(Prepared(seconds=2), seconds=0.1, item=item) for item in ("one", "two")]
    quick = claim(Prepared("quick"), seconds=0.1)
    started = time.monotonic()

    found = list(calls.make([*never, quick]))

    assert found[0] == (quick, Answered("quick"))
    late = Failed("no answer within the deadline")
    assert found[1:] == [(never[0], late), (never[1], late)]
    assert late.sent
    assert 0.1 <= time.monotonic() - started < 1.5


def test_nobody_waits_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    class Silent:
        def get(self, *, timeout: float) -> object:
            waited.append(timeout)
            raise queue.Empty

        def put(self, answer: object) -> None:
            """Hear nothing."""

    monkeypatch.setattr(calls.queue, "SimpleQueue", Silent)

    list(calls.make([claim(Prepared("x"), seconds=0.5)]))
    list(calls.make([claim(Prepared("x"), seconds=-5)]))

    assert 0 < waited[0] <= 0.5
    assert waited[1] == 0.0


def test_the_longest_deadline_is_waited_for() -> None:
    patient = claim(Prepared("done", seconds=0.2), seconds=5.0, item="patient")
    hasty = claim(Prepared("quick"), seconds=0.01, item="hasty")

    assert [outcome for _, outcome in calls.make([hasty, patient])] == [
        Answered("quick"), Answered("done"),
    ]  # fmt: skip


def test_no_calls_take_no_time() -> None:
    assert list(calls.make([])) == []
