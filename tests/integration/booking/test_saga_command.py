"""`manage.py saga`: what operators ask, as text and as JSON, and how it says no."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from booking.management.saga import VERBS
from booking.orchestrator.models import SagaEvent, SagaInstance
from tests import toy
from tests.integration.booking.test_engine import run, start

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = ("--actor", "olga@example.com")


@pytest.fixture(autouse=True)
def _new_world() -> None:
    toy.reset()


@pytest.fixture
def parked() -> SagaInstance:
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["no"]
    return run(start())


@pytest.fixture
def saga(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs a subcommand with `--json` and returns exit status and answer."""

    def ask(*arguments: object) -> tuple[int, Any]:
        status = 0
        try:
            call_command("saga", *map(str, arguments), "--json")
        except SystemExit as ended:
            status = int(ended.code or 0)
        except CommandError as error:
            status = error.returncode
        return status, json.loads(capsys.readouterr().out or "null")

    return ask


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a subcommand and return what it prints for a person."""
    call_command("saga", *map(str, arguments))
    return capsys.readouterr().out


def test_every_subcommand_explains_itself() -> None:
    for verb in VERBS.values():
        assert verb.HELP
        assert verb.__doc__.startswith("`manage.py saga ")


def test_it_lists_what_waits_for_a_person(parked: SagaInstance, saga: Any) -> None:
    start()

    status, listed = saga("list", "--parked")

    assert (status, [entry["saga_id"] for entry in listed]) == (0, [str(parked.pk)])
    assert listed[0]["attention_reason"] == "compensation incomplete: book flight (no)"


def test_it_lists_by_state_and_flow(parked: SagaInstance, saga: Any) -> None:
    running = start()

    assert [e["saga_id"] for e in saga("list", "--state", "running")[1]] == [str(running.pk)]
    assert len(saga("list", "--flow", "toy")[1]) == 2
    assert saga("list", "--flow", "elsewhere") == (0, [])
    assert len(saga("list", "--limit", "1")[1]) == 1


def test_it_shows_a_saga_by_its_id_or_its_subjects(parked: SagaInstance, saga: Any) -> None:
    by_id, by_subject = saga("show", parked.pk), saga("show", parked.subject_id)

    assert by_id == by_subject
    assert by_id[1]["progress"]["saga_id"] == str(parked.pk)
    assert by_id[1]["timeline"][0]["kind"] == "started"


def test_it_shows_a_flow_as_a_table(capsys: pytest.CaptureFixture[str], saga: Any) -> None:
    text = said(capsys, "show", "toy")

    assert "never compensated" in text
    assert saga("show", "toy")[1]["lines"][3]["pivot"] is True


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("show", uuid4()), 3, "saga_not_found"),
        (("show", "nonsense"), 3, "unknown_flow"),
        (("graph", "nonsense"), 3, "unknown_flow"),
        (("retry", uuid4(), *ACTOR, "--reason", "x"), 3, "saga_not_found"),
        (
            ("resolve", uuid4(), "--step", "a", "--as", "done", *ACTOR, "--evidence", "x"),
            3,
            "saga_not_found",
        ),
    ],
)
def test_what_cannot_be_found_has_a_code_and_an_exit_status(
    saga: Any, arguments: tuple[object, ...], status: int, code: str
) -> None:
    answer = saga(*arguments)

    assert (answer[0], answer[1]["error"]) == (status, code)


def test_what_its_state_forbids_has_a_code_and_an_exit_status(saga: Any) -> None:
    running = start()

    retried = saga("retry", running.pk, *ACTOR, "--reason", "x")
    resolved = saga("resolve", running.pk, "--step", "book", "--as", "done", *ACTOR, "--evidence", "x")  # fmt: skip

    assert [(status, answer["error"]) for status, answer in (retried, resolved)] == [
        (4, "saga_not_parked"),
        (4, "saga_not_parked"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("retry", uuid4(), "--reason", "x"),
        ("retry", uuid4(), *ACTOR),
        ("retry", uuid4(), *ACTOR, "--reason", " "),
        ("retry", "not-an-id", *ACTOR, "--reason", "x"),
        ("resolve", uuid4(), "--step", "a", "--as", "maybe", *ACTOR, "--evidence", "x"),
        ("list", "--state", "elsewhere"),
    ],
)
def test_who_and_why_must_be_said(arguments: tuple[object, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("saga", *map(str, arguments))


def test_it_lets_a_parked_saga_try_again(parked: SagaInstance, saga: Any) -> None:
    status, answer = saga("retry", parked.pk, *ACTOR, "--reason", "ticket 4711")

    retried = SagaEvent.objects.get(saga=parked, kind="retried")
    assert (status, answer) == (0, {"retried": str(parked.pk)})
    assert (retried.actor, retried.detail["reason"]) == ("olga@example.com", "ticket 4711")
    assert parked.calls.get(step="book", item="flight", direction="compensate").reason == ""
    assert run(parked).state == "failed"


@pytest.mark.parametrize("outcome", ["done", "accepted"])
def test_it_settles_a_call(parked: SagaInstance, saga: Any, outcome: str) -> None:
    status, _ = saga(
        "resolve", parked.pk, "--step", "book", "--item", "flight", "--as", outcome,
        *ACTOR, "--evidence", "ticket 4711",
    )  # fmt: skip

    resolved = SagaEvent.objects.get(saga=parked, kind="resolved")
    assert status == 0
    assert (resolved.actor, resolved.detail["outcome"]) == ("olga@example.com", outcome)
    assert run(parked).state == "failed"


def test_a_parked_saga_says_what_is_at_stake(saga: Any, capsys: pytest.CaptureFixture[str]) -> None:
    toy.reset(price={"amount": "120.50", "currency": "EUR"})
    toy.WORLD.answers |= {"book hotel": ["no"], "back book flight": ["no"]}
    parked = run(start())

    _, shown = saga("show", parked.pk)

    [leg] = shown["progress"]["exposure"]
    assert leg == {"step": "book", "item": "flight", "amount": "120.50", "currency": "EUR"}
    assert "120.50 EUR at stake" in said(capsys, "list", "--parked")
    assert "at stake: 120.50 EUR, book flight" in said(capsys, "show", parked.pk)


@pytest.mark.parametrize("answer", ["{", "[]", "7"])
def test_what_a_partner_says_of_a_call_is_a_json_object(
    parked: SagaInstance, saga: Any, answer: str
) -> None:
    settled = ("--step", "book", "--item", "flight", "--as", "done", "--evidence", "seen")

    status, _ = saga("resolve", parked.pk, *settled, *ACTOR, "--answer", answer)

    assert status != 0
    parked.refresh_from_db()
    assert parked.attention_reason
