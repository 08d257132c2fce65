"""`manage.py saga check`: a deploy is refused while a live saga needs what the new code lacks."""

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking import tasks
from booking.orchestrator import control, deploys, engine, moves, plan
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.plan import Link, Saga
from booking.orchestrator.shape import SagaState
from booking.orchestrator.work import Work
from outbound.call import Call
from tests import toy
from tests.integration.booking.ledgers import (
    audit,
    sandbox,  # noqa: F401 - a fixture
)
from tests.integration.booking.test_engine import _clock, forward, run, start  # noqa: F401 - the clock is a fixture
from tests.tampering import tampering

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def live() -> SagaInstance:
    return start()


def check(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Return the exit status and what is said to be missing."""
    status = 0
    try:
        call_command("saga", "check", "--json")
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, [lack["what"] for lack in json.loads(capsys.readouterr().out)]


def test_code_that_has_everything_may_be_deployed(
    live: SagaInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(capsys) == (0, [])


def test_a_flow_that_is_gone_stops_the_deploy(
    live: SagaInstance, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(plan.REGISTRY, "toy")

    assert check(capsys) == (1, ["saga 'toy'"])


def test_a_step_that_was_renamed_stops_the_deploy(
    live: SagaInstance, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plan.REGISTRY, "toy", _renamed())

    assert check(capsys) == (1, ["step 'authorise'"])


def test_a_finished_saga_needs_nothing(
    live: SagaInstance, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(live)
    monkeypatch.delitem(plan.REGISTRY, "toy")

    assert check(capsys) == (0, [])


def _lacking(monkeypatch: pytest.MonkeyPatch, step: str, **changes: Any) -> None:
    """Deploy code whose step lacks something that live sagas need."""
    links = [
        Link(link.name, *(replace(s, **changes) if s.name == step else s for s in link.steps))
        for link in toy.TOY.links
    ]
    lacking = copy(toy.TOY)
    object.__setattr__(lacking, "links", links)
    monkeypatch.setitem(plan.REGISTRY, "toy", lacking)


@dataclass(frozen=True)
class Longer(toy.Request):
    """A request as later code makes it."""

    more: str


@dataclass(frozen=True)
class Optional(toy.Request):
    """A request with something that may be left out."""

    more: str = ""


@dataclass(frozen=True)
class LongerAnswer(toy.Answer):
    """An answer as later code takes it."""

    more: str


class LaterRemote(toy.Remote):
    """Asks for more than before."""

    def prepare(self, call: Call) -> Longer:
        raise NotImplementedError

    def call(self, request: toy.Request, call: Call) -> LongerAnswer:
        raise NotImplementedError


class OptionalRemote(toy.Remote):
    """May ask for more than before."""

    def prepare(self, call: Call) -> Optional:
        raise NotImplementedError


class LaterTakeBack(toy.TakeBack):
    """Asks for more than before."""

    def prepare(self, call: Call) -> Longer:
        raise NotImplementedError


def longer_legs(*, trip_id: Any) -> dict[str, Longer]:
    """Give each call more than before."""
    raise NotImplementedError


def longer_price(*, trip_id: Any) -> Longer:
    """Give the only call more than before."""
    raise NotImplementedError


MISSING = "Object missing required field `more`"


def unread(what: str) -> str:
    """Return how something is named that the code's type does not take."""
    return f"a type that reads the {what}: {MISSING}"


LOST = ["lost"] * 9
STORED: dict[str, tuple[dict[str, list[str]], str, dict[str, Any], list[str]]] = {
    "what an unanswered call asked for, and what a compensation will read": (
        {"book hotel": LOST, "probe book hotel": LOST},
        "book",
        {"operation": LaterRemote},
        [
            unread("forward request of step 'book' flight"),
            unread("forward result of step 'book' flight"),
            unread("forward request of step 'book' hotel"),
        ],
    ),
    "something that may be left out": (
        {"book hotel": LOST, "probe book hotel": LOST},
        "book",
        {"operation": OptionalRemote},
        [],
    ),
    "what a compensation asked for": (
        {"book hotel": ["no"], "back book flight": ["no"]},
        "book",
        {"compensate": LaterTakeBack},
        [unread("compensate request of step 'book' flight")],
    ),
    "what a call that is not made yet was given": (
        {"authorise": LOST, "probe authorise": LOST},
        "book",
        {"each": longer_legs},
        [
            unread("forward given of step 'book' flight"),
            unread("forward given of step 'book' hotel"),
        ],
    ),
    "what a call that was made was given": (
        {"capture": LOST, "probe capture": LOST},
        "book",
        {"each": longer_legs},
        [],
    ),
    "what was asked for of an annulled payment": (
        {"capture": ["lost", "no"], "back capture": LOST},
        "capture",
        {"operation": LaterRemote},
        [unread("forward request of step 'capture'")],
    ),
    "what an annulment asked for": (
        {"capture": ["lost", "no"], "back capture": LOST},
        "capture",
        {"annulled_by": LaterTakeBack},
        [unread("annul request of step 'capture'")],
    ),
    "what was asked for before a pivot that is passed": (
        {"confirm": LOST},
        "book",
        {"operation": LaterRemote},
        [],
    ),
    "what was asked for by a call that surely had no effect": (
        {"book flight": ["no"], "back authorise": ["no"], "book hotel": ["no"]},
        "book",
        {"operation": LaterRemote},
        [],
    ),
    "a glue that nothing was asked of": (
        {"confirm": LOST},
        "confirm",
        {"given": longer_price},
        [],
    ),
}


@pytest.mark.parametrize("what", STORED, ids=list(STORED))
def test_what_live_calls_have_stored_must_be_readable(
    what: str,
    live: SagaInstance,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words, step, changes, lacks = STORED[what]
    toy.WORLD.answers.update({name: list(said) for name, said in words.items()})
    for seconds in (0, 5, 10):
        forward(timedelta(seconds=seconds))
        engine.advance(live.pk)
    live.refresh_from_db()
    assert live.finished_at is None
    assert check(capsys) == (0, [])

    _lacking(monkeypatch, step, **changes)

    assert check(capsys) == (1 if lacks else 0, lacks)


def test_sagas_are_read_many_at_a_time_and_each_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    toy.WORLD.legs = ("flight",)
    sagas = [start() for _ in range(5)]
    monkeypatch.setattr(deploys, "CHUNK", 2)
    _lacking(monkeypatch, "book", each=longer_legs)

    with CaptureQueriesContext(connection) as queries:
        found = deploys.missing()

    assert [(lack.saga_id, lack.version, lack.what) for lack in found] == [
        (saga.pk, 1, unread("forward given of step 'book' flight")) for saga in sagas
    ]
    assert len(queries) == 1 + 3


def test_a_plan_that_cannot_be_read_is_named_and_the_others_are_checked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.WORLD.legs = ("flight",)
    start()
    bad = start()
    with tampering("saga"):
        SagaInstance.objects.filter(pk=bad.pk).update(plan={"name": "toy"})
    _lacking(monkeypatch, "book", each=longer_legs)

    status, lacks = check(capsys)

    assert (status, lacks[0]) == (1, unread("forward given of step 'book' flight"))
    assert lacks[1].startswith("types that read its rows and plan: Object missing required field")


def test_whatever_the_flows_of_today_have_stored_is_read_by_the_code_of_today(
    books: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: set[tuple[str, str]] = set()
    turn = engine.Worker.turn

    def checked(worker: engine.Worker) -> Any:
        assert deploys.missing() == []
        looked.add((worker.work.saga.name, worker.work.saga.state))
        return turn(worker)

    monkeypatch.setattr(engine.Worker, "turn", checked)
    books.cancel(books.book("skyways:flex", "oldinn:standard"))
    books.book("skyways:cancel-fails", "restwell:sold-out")
    stray = books.book("budgetair:books-much-later", "oldinn:sold-out")
    books.forward()
    books.land()
    audit("--heal")
    books.work(stray)

    assert {name for name, _ in looked} == {
        "confirm-reservation",
        "cancel-reservation",
        "take-back",
    }
    assert {state for _, state in looked} >= {"running", "pivoting", "finishing", "compensating"}


def _gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(plan.REGISTRY, "toy")


GONE: dict[str, tuple[dict[str, list[str]], Callable[[pytest.MonkeyPatch], None], str]] = {
    "the flow": ({}, _gone, "no saga is named 'toy'"),
    "a step": ({}, lambda m: _lacking(m, "book", name="buy"), "has no step 'book'"),
    "a compensation": (
        {"capture": ["no"]},
        lambda m: _lacking(m, "book", compensate=None),
        "step 'book' has nothing to compensate",
    ),
    "the annulment": (
        {"capture": ["lost", "no"]},
        lambda m: _lacking(m, "capture", annulled_by=None),
        "step 'capture' has nothing to annul",
    ),
}


@pytest.mark.parametrize("what", GONE, ids=list(GONE))
def test_a_saga_that_meets_code_without_what_it_needs_is_parked_and_goes_on_after_the_right_deploy(
    what: str, live: SagaInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, deploy, reason = GONE[what]
    toy.WORLD.answers.update(words)
    engine.advance(live.pk, link="reservation")
    with monkeypatch.context() as wrong:
        deploy(wrong)
        parked = run(live)
        messages = control.remaining_links(parked.pk)[1]
        assert engine.advance(parked.pk, link=messages[0]) is engine.Progress.STOPPED

    assert reason in str(parked.attention_reason)
    assert str(parked.attention_reason).startswith("CodeMissing")
    control.retry(saga_id=parked.pk, actor="olga", reason="the right code is deployed")
    assert run(parked).finished_at is not None


def test_a_saga_whose_hooks_are_gone_when_it_ends_is_parked_with_everything_taken_back(
    live: SagaInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.WORLD.answers["hold"] = ["no"]
    with monkeypatch.context() as wrong:
        wrong.setattr(moves, "close", _close_without_code(wrong))
        parked = run(live)

    assert (parked.state, parked.attention_reason) == (
        "compensating",
        "CodeMissing: no saga is named 'toy'",
    )
    control.retry(saga_id=parked.pk, actor="olga", reason="the right code is deployed")
    assert run(parked).state == "failed"
    assert toy.WORLD.closed == [("failed", "no")]


def _close_without_code(wrong: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the flow vanish at the moment when its hooks are needed."""
    close = moves.close

    def closing(work: Work, state: SagaState) -> None:
        wrong.delitem(plan.REGISTRY, "toy")
        close(work, state)

    return closing


@pytest.mark.parametrize("link", ["renamed", ""])
def test_a_message_for_a_link_that_the_saga_does_not_have_moves_nothing(
    live: SagaInstance, link: str
) -> None:
    assert engine.advance(live.pk, link=link) is engine.Progress.STOPPED

    live.refresh_from_db()
    assert (live.attention_reason, live.epoch, toy.WORLD.calls) == (None, 0, [])


def test_a_message_for_a_saga_that_is_gone_ends_its_chain() -> None:
    tasks.run_link.apply(kwargs={"saga_id": str(uuid4()), "link": "payment"}, throw=True)


def _renamed() -> Saga:
    links = [
        Link(
            link.name,
            *(
                replace(step, name="reserve_money") if step.name == "authorise" else step
                for step in link.steps
            ),
        )
        for link in toy.TOY.links
    ]
    renamed = Saga("toy-renamed", 2, "trip_id", 900, links, toy.fail, toy.cancel)
    del plan.REGISTRY["toy-renamed"]
    return renamed
