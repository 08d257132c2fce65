"""The unit DSL and the simulation behind it: they fail when they should, and leave nothing behind."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from booking.orchestrator import plan
from booking.orchestrator.plan import Link, Pivot, Retry, Saga, Step
from booking.orchestrator.shape import SagaState, StepRow, StepState
from booking.orchestrator.simulation.run import simulate
from booking.orchestrator.testing import (
    back,
    called,
    cancels,
    compensated,
    crash,
    given,
    lost,
    never_called,
    parked,
    refuse,
    standing,
    told,
    unanswered,
    unreachable,
)
from booking.sagas import CONFIRM_RESERVATION
from outbound.call import NotSent
from tests.toy import Local, LocalBack, Remote, TakeBack


@pytest.fixture(autouse=True)
def _forget_what_was_declared() -> Iterator[None]:
    known = dict(plan.REGISTRY)
    yield
    plan.REGISTRY.clear()
    plan.REGISTRY.update(known)


def declare(*links: Link) -> Saga:
    def closing(**about: Any) -> None:
        raise AssertionError("the hooks of the flow are not called in a simulation")

    return Saga("small", 1, "thing_id", 3600, list(links), failed=closing, cancelled=closing)


@pytest.fixture
def reversible() -> Saga:
    """A saga without a pivot."""
    return declare(
        Link("one", Step("first", Local, compensate=LocalBack)),
        Link("two", Step("second", Remote, compensate=TakeBack, retry=Retry(attempts=2))),
    )


@pytest.fixture
def reading() -> Saga:
    """A saga whose first step leaves nothing to take back, and whose pivot cannot be annulled."""
    return declare(
        Link(
            "one",
            Step("look", Remote, no_compensation="it only reads"),
            Step("lock", Remote, compensate=TakeBack),
        ),
        Link("two", Pivot("pay", Remote), Step("tell", Remote)),
    )


def test_a_saga_without_a_pivot_can_turn_back_to_its_end(reversible: Saga) -> None:
    given(reversible).then(called("first", "second"), state="completed")
    given(reversible).when(refuse("second")).then(compensated("first"), state="failed")
    given(reversible).when(cancels("second")).then(compensated("first"), state="cancelled")
    given(reversible).when(unreachable("second")).then(
        compensated("first"), state="failed", reason="retries_exhausted"
    )


def test_a_step_that_needs_no_compensation_has_none(reading: Saga) -> None:
    ending = simulate(reading, refuse("pay"))

    assert ending.compensated() == ["lock"]
    assert ending.stands == (("look", ""),)


def test_a_no_that_nothing_can_annul_counts_when_no_earlier_request_can_land(reading: Saga) -> None:
    ending = simulate(reading, unanswered("look"), refuse("pay"))

    assert (ending.state, ending.reason) == ("failed", "refused")


def test_after_the_pivot_a_no_needs_a_person(reading: Saga) -> None:
    given(reading).when(refuse("tell")).then(parked("tell: refused"), state="finishing")


@pytest.fixture
def choosy() -> Saga:
    """A saga that tries again only what never left."""
    only = Retry(on=(NotSent,))
    return declare(
        Link("one", Step("first", Remote, compensate=TakeBack, retry=only)),
        Link("two", Pivot("pay", Remote, retry=only), Step("tell", Remote, retry=only)),
    )


def test_an_error_that_is_worth_it_is_tried_again(choosy: Saga) -> None:
    given(choosy).when(unreachable("first", times=3)).then(state="completed")


def test_an_error_that_is_not_worth_another_try_turns_back_at_once(choosy: Saga) -> None:
    ending = (
        given(choosy)
        .when(lost("first"))
        .then(compensated("first"), state="failed", reason="not_retried")
    )

    assert [call.tries for call in ending.calls if call.step == "first"] == [1, 1]


def test_nor_does_a_compensation_go_on_trying(choosy: Saga) -> None:
    given(choosy).when(refuse("pay"), back(lost("first"))).then(
        parked("compensation incomplete: first (not_retried)"), state="compensating"
    )


def test_nor_a_step_after_the_pivot(choosy: Saga) -> None:
    given(choosy).when(lost("tell")).then(
        parked("tell: failed 1 times after the pivot"), state="finishing"
    )


def test_but_a_pivot_that_may_have_arrived_is_always_asked_about(choosy: Saga) -> None:
    given(choosy).when(lost("pay")).then(told("unknown", "absent", "done"), state="completed")


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        (compensated("hold"), "compensated: ['book', 'authorise', 'hold'], not ['hold']"),
        (called("hold"), "done: ['hold', 'authorise', 'book'], not ['hold']"),
        (never_called("hold"), "tried: hold"),
        (parked("x"), "parked: None"),
        (standing("hold"), "standing: [], not ['hold']"),
        (told("compensating", "done"), "not told in this order: done"),
    ],
)
def test_an_expectation_that_is_not_met_fails_and_shows_the_run(
    expectation: Any, words: str
) -> None:
    story = given(CONFIRM_RESERVATION).when(refuse("book", item="first"))

    with pytest.raises(AssertionError) as failed:
        story.then(expectation, state="failed")

    assert words in str(failed.value)
    assert "refused          book:first" in str(failed.value)


def test_so_does_another_state_or_reason() -> None:
    story = given(CONFIRM_RESERVATION).when(refuse("capture"))

    with pytest.raises(AssertionError, match="state: failed, not completed"):
        story.then(state="completed")
    with pytest.raises(AssertionError, match="reason: 'refused', not 'sold_out'"):
        story.then(state="failed", reason="sold_out")


def test_an_engine_that_forgets_a_compensation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StepRow, "may_have_had_an_effect", lambda row: row.step != "authorise" and row.state is StepState.DONE)  # fmt: skip

    with pytest.raises(AssertionError, match="still standing: authorise"):
        given(CONFIRM_RESERVATION).when(refuse("capture")).then(state="failed")


def test_the_same_arguments_give_the_same_run_and_the_dice_are_put_back() -> None:
    random.seed(7)
    expected = random.random()
    random.seed(7)

    runs = [simulate(CONFIRM_RESERVATION, unreachable("book", times=5), seed=3) for _ in range(2)]

    assert runs[0].history == runs[1].history
    assert random.random() == expected
    assert simulate(CONFIRM_RESERVATION, unreachable("book", times=5), seed=4).history != runs[0].history  # fmt: skip


def test_a_run_leaves_no_flow_behind() -> None:
    known = set(plan.REGISTRY)

    simulate(CONFIRM_RESERVATION)

    assert set(plan.REGISTRY) == known


def test_there_is_no_other_moment_to_die_at() -> None:
    with pytest.raises(ValueError, match="lunch"):
        crash("book", "lunch")


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command("saga", "simulate", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_the_command_prints_the_timeline_of_a_flow(capsys: pytest.CaptureFixture[str]) -> None:
    ending = asked(capsys, "--refuse", "hotel", "--crash", "book:after-call")

    assert ending["state"] == SagaState.FAILED
    assert ending["compensated"] == ["book", "authorise", "hold"]
    assert ending["standing"] == []
    assert "crashed" in [entry["kind"] for entry in ending["timeline"]]
    assert ending["timeline"][1]["code"].startswith("booking/sagas.py:")


@pytest.mark.parametrize(
    ("arguments", "state"),
    [
        (["--lost", "book:car=2"], "completed"),
        (["--unanswered", "authorise"], "completed"),
        (["--unreachable", "book"], "failed"),
        (["--wait", "authorise=30"], "completed"),
        (["--wait", "authorise"], "failed"),
        (["--cancel", "capture"], "cancelled"),
        (["--refuse", "capture", "--refuse-compensation", "flight"], "compensating"),
        (["--refuse", "capture", "--unreachable-compensation", "book=2"], "failed"),
        (["--class", "hotel=D", "--unanswered", "hotel"], "running"),
        (["cancel-reservation", "--refuse", "cancel:car"], "pivoting"),
        (["--items", "train", "--refuse", "train", "--seed", "9"], "failed"),
    ],
)
def test_every_fault_can_be_asked_for(
    capsys: pytest.CaptureFixture[str], arguments: list[str], state: str
) -> None:
    assert asked(capsys, *arguments)["state"] == state


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (["--refuse", "boat"], "unknown_place", 3),
        (["--refuse", "hold:hotel"], "unknown_place", 3),
        (["--crash", "book:lunch"], "bad_fault", 2),
        (["--crash", "book"], "unknown_place", 3),
        (["--lost", "book=often"], "bad_fault", 2),
        (["--class", "book=E"], "bad_fault", 2),
        (["nonsense"], "unknown_flow", 3),
    ],
)
def test_what_cannot_be_understood_is_said(arguments: list[str], code: str, status: int) -> None:
    with pytest.raises(CommandError, match=code) as refused:
        call_command("saga", "simulate", *arguments)

    assert refused.value.returncode == status


def test_it_needs_no_server() -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "DJANGO_DEBUG": "1",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    command = [sys.executable, "manage.py", "saga", "simulate", "--refuse", "hotel"]

    done = subprocess.run(command, cwd=Path(settings.BASE_DIR), env=environment, capture_output=True, text=True, check=True)  # fmt: skip

    assert "standing: nothing" in done.stdout
    assert done.stderr == ""
