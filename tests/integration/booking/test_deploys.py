"""`manage.py saga check`: a deploy is refused while a live saga needs what the new code lacks."""

import json
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from booking import tasks
from booking.orchestrator import control, engine, moves, plan
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.plan import Link, Saga
from booking.orchestrator.shape import SagaState
from booking.orchestrator.work import Work
from tests import toy
from tests.integration.booking.test_engine import run, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _new_world() -> None:
    toy.reset()


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
