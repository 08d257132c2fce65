"""`manage.py saga`: what operators ask, as text and as JSON, and how it says no."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from booking.management.saga import VERBS
from booking.orchestrator import engine, plan
from booking.orchestrator.models import SagaEvent, SagaInstance
from booking.reconciler import loop
from outbound.call import Idempotency, Traits
from tests import toy
from tests.integration.booking.test_engine import _clock, forward, run, start  # noqa: F401 - the clock is a fixture

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = ("--actor", "olga@example.com")


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


@pytest.mark.parametrize("by", ["pk", "subject_id"])
def test_it_draws_a_saga_as_it_stands(parked: SagaInstance, saga: Any, by: str) -> None:
    status, drawn = saga("graph", getattr(parked, by), "--format", "svg")

    assert status == 0
    assert drawn["svg"].startswith("<svg ")
    assert "✗ flight refused" in drawn["svg"]
    assert drawn["subtitle"] == "compensating: no: compensation incomplete: book flight (no)"


def test_it_draws_a_flow(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "graph", "toy").startswith("flowchart LR\n")
    assert said(capsys, "graph", "toy", "--format", "svg").startswith("<svg ")


def test_it_draws_a_saga_whose_code_is_gone(
    parked: SagaInstance, saga: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(plan.REGISTRY, "toy")

    assert "✗ flight refused" in saga("graph", parked.pk)[1]["mermaid"]
    assert saga("show", parked.pk)[0] == 0
    assert saga("list", "--parked")[0] == 0


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


def test_it_cancels_a_running_saga_and_keeps_who_and_why(saga: Any) -> None:
    running = start()
    engine.advance(running.pk, link="reservation")

    status, answer = saga("cancel", running.pk, *ACTOR, "--reason", "the customer telephoned")

    asked = SagaEvent.objects.get(saga=running, kind="cancel_requested")
    assert (status, answer) == (0, {"cancelling": str(running.pk)})
    assert (asked.actor, asked.detail) == (
        "olga@example.com",
        {"reason": "the customer telephoned"},
    )
    assert run(running).state == "cancelled"


def test_what_is_parked_before_the_pivot_can_be_cancelled(saga: Any) -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.D, quiet_seconds=1))
    toy.WORLD.answers["book hotel"] = ["lost"]
    stuck = run(start())
    assert stuck.attention_reason

    status, _ = saga("cancel", stuck.pk, *ACTOR, "--reason", "x")

    assert status == 0
    assert run(stuck).state == "cancelled"


def test_what_is_over_or_past_the_pivot_cannot_be_cancelled(saga: Any) -> None:
    over = run(start())
    toy.WORLD.answers["capture"] = ["unanswered"]
    pivoting = start()
    engine.advance(pivoting.pk)

    answers = [saga("cancel", one.pk, *ACTOR, "--reason", "x") for one in (over, pivoting)]

    assert [(status, answer["error"]) for status, answer in answers] == [(4, "too_late")] * 2
    assert saga("cancel", uuid4(), *ACTOR, "--reason", "x")[0] == 3


def test_what_turns_back_already_is_not_cancelled_again(parked: SagaInstance, saga: Any) -> None:
    asked = start()
    assert saga("cancel", asked.pk, *ACTOR, "--reason", "x")[0] == 0

    answers = [saga("cancel", one.pk, *ACTOR, "--reason", "y") for one in (parked, asked)]

    assert [(status, answer["error"]) for status, answer in answers] == [
        (4, "saga_turning_back")
    ] * 2
    assert [one.history.filter(kind="cancel_requested").count() for one in (parked, asked)] == [
        0,
        1,
    ]


def unknown_payment() -> SagaInstance:
    """Return a saga that is parked because nobody knows what became of its payment."""
    toy.WORLD.answers["capture"] = ["lost"]
    toy.WORLD.answers["probe capture"] = ["lost"] * 9
    saga = run(start())
    assert saga.state == "pivoting"
    toy.WORLD.answers.clear()
    return saga


def settle(saga: Any, one: SagaInstance, step: str, outcome: str, *more: str) -> int:
    arguments = ("--step", step, "--as", outcome, *ACTOR, "--evidence", "the other side's page")
    told = ("--answer", '{"key": "theirs"}') if outcome == "done" else ()
    return int(saga("resolve", one.pk, *arguments, *told, *more)[0])


@pytest.mark.parametrize(
    ("outcome", "state", "annulled"),
    [("done", "completed", False), ("accepted", "completed", False), ("refused", "failed", True)],
)
def test_a_person_who_looked_settles_a_payment_of_which_nothing_is_known(
    saga: Any, outcome: str, state: str, annulled: bool
) -> None:
    one = unknown_payment()

    assert settle(saga, one, "capture", outcome) == 0

    assert run(one).state == state
    assert ("back capture" in toy.WORLD.calls) is annulled


def test_a_payment_that_a_person_annulled_counts_as_refused(saga: Any) -> None:
    toy.WORLD.answers["capture"] = ["lost", "no"]
    toy.WORLD.answers["back capture"] = ["lost"] * 4
    one = run(start())
    assert "could not be annulled" in str(one.attention_reason)

    assert settle(saga, one, "capture", "refused") == 0

    assert run(one).state == "failed"
    assert one.calls.get(direction="annul").state == "done"


def test_a_local_step_that_fails_is_repaired_not_settled(saga: Any) -> None:
    toy.WORLD.answers["confirm"] = ["lost"] * 4
    one = run(start())
    assert one.attention_reason == "confirm: failed 4 times after the pivot"

    assert [settle(saga, one, "confirm", as_) for as_ in ("done", "refused")] == [4, 4]
    assert saga("retry", one.pk, *ACTOR, "--reason", "repaired")[0] == 0
    assert run(one).state == "completed"


@pytest.fixture
def old_and_new() -> tuple[SagaInstance, ...]:
    """Return sagas: over for 40 days, parked for 40 days, running for 40 days, over just now."""
    forward(timedelta(days=-40))
    over, running = start(), start()
    engine.advance(over.pk)
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["no"]
    parked = start()
    engine.advance(parked.pk)
    forward(timedelta(0))
    return over, parked, running, run(start())


PURGE = ("purge", "--older-than-days", 30, *ACTOR, "--reason", "retention")


def test_it_purges_what_has_been_over_for_long_and_nothing_else(
    old_and_new: tuple[SagaInstance, ...], saga: Any, caplog: pytest.LogCaptureFixture
) -> None:
    over, *kept = old_and_new

    status, purged = saga(*PURGE, "--chunk", 1)

    assert (status, purged["sagas"], purged["calls"]) == (0, 1, 6)
    assert set(SagaInstance.objects.values_list("pk", flat=True)) == {one.pk for one in kept}
    assert not SagaEvent.objects.filter(saga_id=over.pk).exists()
    assert "by olga@example.com: retention" in caplog.text


def test_a_dry_run_counts_and_removes_nothing(
    old_and_new: tuple[SagaInstance, ...], saga: Any
) -> None:
    status, counted = saga(*PURGE, "--dry-run")

    assert (status, counted["sagas"], counted["events"] > 1) == (0, 1, True)
    assert SagaInstance.objects.count() == 4


@pytest.mark.parametrize("chunk", [1, 500])
def test_what_a_person_decided_to_bear_is_never_purged(
    old_and_new: tuple[SagaInstance, ...],
    saga: Any,
    chunk: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    over, borne, *_ = old_and_new
    forward(timedelta(days=-40))
    assert settle(saga, borne, "book", "accepted", "--item", "flight") == 0
    engine.advance(borne.pk)
    forward(timedelta(0))

    counted = said(capsys, *PURGE, "--dry-run")
    status, purged = saga(*PURGE, "--chunk", chunk)

    assert counted.splitlines()[1:] == ["leaves 1 as old, each with a loss that a person accepted"]
    assert (status, purged["sagas"], purged["left"]) == (0, 1, 1)
    assert not SagaInstance.objects.filter(pk=over.pk).exists()
    assert borne.calls.filter(state="accepted").exists()


@pytest.mark.parametrize("wrong", [("--older-than-days", 0), ("--chunk", 0)])
def test_a_horizon_or_chunk_of_nothing_is_refused(saga: Any, wrong: tuple[object, ...]) -> None:
    assert saga(*PURGE, *wrong)[0] == 2


def test_what_the_reconciler_still_looks_at_is_not_purged(
    old_and_new: tuple[SagaInstance, ...], saga: Any
) -> None:
    within, beyond = (
        saga(*PURGE, "--dry-run", "--older-than-days", loop.FULL_WINDOW.days - less)
        for less in (1, 0)
    )

    assert (within[0], within[1]["error"]) == (2, "bad_horizon")
    assert "the reconciler looks back 8 days" in within[1]["message"]
    assert beyond[0] == 0


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


@pytest.mark.parametrize(("direction", "status"), [("forward", 4), ("compensate", 0)])
def test_the_call_that_was_looked_at_is_settled_or_none(
    parked: SagaInstance, saga: Any, direction: str, status: int
) -> None:
    settled = ("--step", "book", "--item", "flight", "--as", "done", "--evidence", "seen")

    ended, answer = saga("resolve", parked.pk, *settled, *ACTOR, "--direction", direction)

    assert (ended, answer.get("error")) == (status, "saga_turned" if status else None)


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
