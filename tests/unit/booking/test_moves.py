"""What a saga as a whole does: what is written with a move, and what follows from it by itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from booking.orchestrator import moves
from booking.orchestrator.decide import Annul, Enter, GiveUp
from booking.orchestrator.plan import REGISTRY, Link, Pivot, Saga, Step
from booking.orchestrator.shape import NOT_RETRIED, SagaState, StepState
from outbound.call import Call
from tests import toy
from tests.unit.booking.desk import ANNUL, BACK, START, SUBJECT, Desk, after

GRACE = after(5)


def save(desk: Desk) -> None:
    """Write one unit of work, with what follows."""
    moves.save(desk.read(desk.id))


def go_on(desk: Desk, decision: Enter | Annul | GiveUp) -> None:
    """Take a decision and write it, without what follows."""
    work = desk.read(desk.id)
    moves.go_on(work, decision)
    work.save()


def test_while_there_is_work_the_sweeper_comes_after_the_grace(desk: Desk) -> None:
    save(desk)

    assert desk.written == {"due_at": GRACE}
    assert desk.told() == []


def test_who_sleeps_is_woken_when_the_first_call_is_due(desk: Desk) -> None:
    desk.done("hold")
    desk.row("authorise", state=StepState.UNKNOWN, due_at=after(40))

    save(desk)

    assert desk.written == {"due_at": after(40)}


def test_who_needs_a_person_is_parked_with_the_reason(desk: Desk) -> None:
    desk.done("hold")
    desk.row("authorise", state=StepState.UNKNOWN, never_resend=True)

    save(desk)

    reason = "authorise: outcome unknown and the partner cannot be asked ()"
    assert desk.written == {"due_at": None, "attention_reason": reason}
    assert desk.told() == [("parked", "", {"reason": reason})]


def test_who_is_over_is_never_due(desk: Desk) -> None:
    desk.saga(state=SagaState.COMPLETED, due_at=START)

    save(desk)

    assert desk.written == {"due_at": None}


def test_the_pivot_passed_the_flow_goes_on_in_the_same_transaction(desk: Desk) -> None:
    desk.done("hold", "authorise", "book", "capture")
    desk.saga(state=SagaState.PIVOTING)

    save(desk)

    assert desk.written == {"state": "finishing", "due_at": GRACE}
    assert desk.told() == [("finishing", "", {})]


def test_the_last_step_done_the_saga_is_completed_in_the_same_transaction(desk: Desk) -> None:
    desk.done("hold", "authorise", "book", "capture", "confirm")
    desk.saga(state=SagaState.FINISHING)

    save(desk)

    assert desk.written == {"state": "completed", "due_at": None, "finished_at": START}
    assert desk.told() == [("completed", "", {"reason": ""})]
    assert toy.WORLD.closed == []


def test_to_pass_a_pivot_that_is_the_last_step_and_to_end_are_two_moves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REGISTRY, "last", toy.TOY)  # so that it is forgotten at the end
    links = [Link("payment", Pivot("capture", toy.Remote))]
    last = Desk(Saga("last", 1, "trip_id", 900, links, toy.fail, toy.cancel))
    last.done("capture")
    last.saga(state=SagaState.PIVOTING)

    save(last)
    assert last.written == {"state": "finishing", "due_at": START}

    save(last)
    assert last.written["state"] == "completed"


def test_to_fail_is_a_move_of_its_own_that_a_worker_comes_back_for(desk: Desk) -> None:
    desk.saga(state=SagaState.COMPENSATING, reason="no")

    save(desk)

    assert desk.written == {"due_at": GRACE}


def test_an_unanswered_no_is_annulled_by_a_call_of_its_own(desk: Desk) -> None:
    desk.done("hold", "authorise", "book")
    desk.row("capture", state=StepState.REFUSED, ambiguous=True, given={"price": "7"})
    desk.saga(state=SagaState.PIVOTING)

    save(desk)

    assert desk.written == {"due_at": GRACE}
    row = desk.of("capture", "", ANNUL)
    assert (row.state, row.given, row.key) == (
        "pending",
        {"price": "7"},
        f"{desk.id}:capture:1:annul",
    )


@pytest.mark.parametrize(
    ("known", "reason"), [("", "retries_exhausted"), (NOT_RETRIED, NOT_RETRIED)]
)
def test_a_compensation_that_is_given_up_parks_its_call_and_in_the_end_the_saga(
    desk: Desk, known: str, reason: str
) -> None:
    desk.done("hold", "authorise")
    desk.saga(state=SagaState.COMPENSATING, reason="no")
    desk.row("hold", "", BACK, state=StepState.DONE)
    desk.row(
        "authorise", "", BACK, state=StepState.UNKNOWN, tries=4, reason=known, error="no answer",
        due_at=START, lease_until=START, ambiguous=True,
    )  # fmt: skip

    save(desk)

    changed = {"state": "parked", "due_at": None, "lease_until": None}
    assert desk.changes("authorise", "", BACK) == changed | ({} if known else {"reason": reason})
    incomplete = f"compensation incomplete: authorise ({reason})"
    assert desk.written == {"due_at": None, "attention_reason": incomplete}
    assert desk.told() == [
        ("parked", "authorise", {"error": "no answer"}),
        ("parked", "", {"reason": incomplete}),
    ]


def test_what_is_given_up_for_another_reason_says_so(desk: Desk) -> None:
    desk.row("authorise", "", BACK, state=StepState.UNKNOWN)

    go_on(desk, GiveUp((desk.of("authorise", "", BACK),), "outcome_unknown"))

    assert desk.of("authorise", "", BACK).reason == "outcome_unknown"


def test_another_state_is_entered_and_told(desk: Desk) -> None:
    go_on(desk, Enter(SagaState.PIVOTING))

    assert desk.written == {"state": "pivoting"}
    assert desk.told() == [("pivoting", "", {})]
    assert len(desk.memory.calls) == 5


def test_whoever_turns_back_takes_back_what_may_have_had_an_effect(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandoned: list[Call] = []
    monkeypatch.setattr(
        toy.Remote, "abandon", lambda self, call: abandoned.append(call), raising=False
    )
    desk.done("hold", "capture")
    desk.row("authorise", state=StepState.REFUSED, request={"what": "x"})
    desk.row("book", "flight", given={"seat": "7"}, state=StepState.PENDING, ambiguous=True)
    desk.row("book", "hotel", state=StepState.PENDING, request={"what": "room"})
    desk.row("book", "car", state=StepState.PENDING)
    desk.row("book", "train", state=StepState.CLAIMED, epoch=4, lease_until=after(30))

    go_on(desk, Enter(SagaState.COMPENSATING, "no"))

    assert desk.written == {"state": "compensating", "reason": "no"}
    assert desk.told() == [("compensating", "", {"reason": "no"})]
    back = [call for call in desk.memory.calls if call.direction is BACK]
    assert [(call.step, call.item) for call in back] == [
        ("hold", ""), ("book", "flight"), ("book", "train"),
    ]  # fmt: skip
    assert (back[1].given, back[1].key) == ({"seat": "7"}, f"{desk.id}:book:flight:1:compensate")
    assert desk.changes("book", "train") == {
        "state": "unknown", "ambiguous": True, "epoch": 5, "lease_until": None,
    }  # fmt: skip
    assert [call.item for call in abandoned] == ["hotel"]


class Told:
    """Hooks of a flow that remember what they are told."""

    def __init__(self) -> None:
        self.failed: list[dict[str, Any]] = []
        self.cancelled: list[dict[str, Any]] = []

    def fail(self, *, trip_id: UUID, reason: str, at: datetime) -> None:
        self.failed.append({"trip_id": trip_id, "reason": reason, "at": at})

    def cancel(self, *, trip_id: UUID, reason: str, at: datetime) -> None:
        self.cancelled.append({"trip_id": trip_id, "reason": reason, "at": at})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    hooks = Told()
    monkeypatch.setitem(REGISTRY, "hooked", toy.TOY)  # so that it is forgotten at the end
    links = [Link("one", Step("hold", toy.Local, compensate=toy.LocalBack))]
    Saga("hooked", 1, "trip_id", 900, links, hooks.fail, hooks.cancel)
    return hooks


@pytest.mark.parametrize(
    ("state", "called"), [("failed", "failed"), ("cancelled", "cancelled"), ("completed", "")]
)
def test_an_end_is_told_to_the_subject_in_the_transaction_that_writes_it(
    desk: Desk, told: Told, state: str, called: str
) -> None:
    hooked = Desk(REGISTRY["hooked"])
    hooked.saga(reason="sold_out")
    work = hooked.read(hooked.id)

    moves.close(work, SagaState(state))
    assert (told.failed, told.cancelled) == ([], [])
    work.save()

    about = [{"trip_id": SUBJECT, "reason": "sold_out", "at": START}]
    assert told.failed == (about if called == "failed" else [])
    assert told.cancelled == (about if called == "cancelled" else [])
    assert hooked.written == {"state": state, "due_at": None, "finished_at": START}
    assert hooked.told() == [(state, "", {"reason": "sold_out"})]


def test_an_accepted_loss_is_told_with_the_end(desk: Desk) -> None:
    desk.saga(state=SagaState.COMPENSATING, reason="no")
    desk.row("hold", "", BACK, state=StepState.ACCEPTED)
    desk.row("authorise", "", BACK, state=StepState.DONE)
    desk.row("book", "flight", BACK, state=StepState.ACCEPTED)
    work = desk.read(desk.id)

    moves.close(work, SagaState.FAILED)
    work.save()

    accepted = {"compensation": "loss_accepted", "accepted": ["hold", "book flight"]}
    assert desk.told() == [("failed", "", {"reason": "no", **accepted})]


def test_what_was_taken_back_is_told_with_the_end(desk: Desk) -> None:
    desk.row("hold", "", BACK, state=StepState.DONE)
    work = desk.read(desk.id)

    moves.close(work, SagaState.CANCELLED)
    work.save()

    assert desk.told() == [("cancelled", "", {"reason": "", "compensation": "compensated"})]
