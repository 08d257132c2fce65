"""`manage.py saga check`: a deploy is refused while a live saga needs what the new code lacks."""

import json
from dataclasses import replace

import pytest
from django.core.management import call_command

from booking.orchestrator import plan
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.plan import Link, Saga
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
