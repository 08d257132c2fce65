"""What each outcome of a call changes: its row, the history, and what the service is told."""

from typing import Any

import pytest

from booking.orchestrator import record
from booking.orchestrator.calls import Absent, Answered, Failed, MustWait, Outcome, Phase, Refused
from booking.orchestrator.plan import REGISTRY, Link, Pivot, Saga
from booking.orchestrator.shape import NOT_RETRIED, TIMED_OUT, StepState
from outbound.call import Call, Pause, Traits, Waiting
from tests import toy
from tests.unit.booking.desk import ANNUL, BACK, FORWARD, START, Desk, after

CLAIMED: dict[str, Any] = {
    "state": StepState.CLAIMED,
    "epoch": 3,
    "tries": 1,
    "lease_until": after(30),
    "sent_at": START,
    "idempotency": "A",
    "quiet_seconds": 60.0,
    "request": {"what": "it"},
}
QUIET = 90.0
"""The lease and the quiet period of a call laid out like that."""


class Careful(toy.Remote):
    """An operation that remembers all that it is told, and looks at what it is asked."""

    told: list[tuple[str, object, Call]]
    contacts: list[Call]

    def __init__(self, saves_errors: bool = True) -> None:
        self.told = []
        self.contacts = []
        self.saves_errors = saves_errors

    def traits(self, request: toy.Request) -> Traits:
        assert isinstance(request, toy.Request)
        return Traits(idempotency=toy.WORLD.traits.idempotency, saves_errors=self.saves_errors)

    def record(self, answer: toy.Answer, call: Call) -> None:
        self.told.append(("record", answer, call))

    def record_failure(self, error: str, call: Call) -> None:
        self.told.append(("failure", error, call))

    def record_waiting(self, waiting: Waiting, call: Call) -> None:
        self.told.append(("waiting", waiting, call))

    def record_contact(self, call: Call) -> None:
        self.contacts.append(call)


def take_in(desk: Desk, outcome: Outcome, *id_: Any, **claim: Any) -> None:
    """Record an outcome as the worker does, in one unit of work."""
    work = desk.read(desk.id)
    record.record(work, desk.claim(*id_, **claim), outcome)
    work.save()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, Call]]:
    """What the operations of the flow are told of refusals."""
    told: list[tuple[object, Call]] = []

    def hear(self: object, refusal: object, call: Call) -> None:
        told.append((refusal, call))

    monkeypatch.setattr(toy.Remote, "record_refusal", hear, raising=False)
    return told


def bare(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a desk with a flow whose pivot cannot be annulled."""
    monkeypatch.setitem(REGISTRY, "bare", toy.TOY)  # so that it is forgotten at the end
    links = [Link("payment", Pivot("capture", toy.Remote, refused_by=toy.No))]
    return Desk(Saga("bare", 1, "trip_id", 900, links, toy.fail, toy.cancel))


@pytest.mark.parametrize(
    ("laid_out", "awaited"),
    [
        ({"epoch": 3}, True),
        ({"epoch": 4}, False),
        ({"state": StepState.UNKNOWN}, False),
        ({"state": StepState.DONE, "epoch": 4}, False),
    ],
)
def test_only_the_last_claim_of_a_call_that_still_is_claimed_counts(
    desk: Desk, laid_out: dict[str, Any], awaited: bool
) -> None:
    desk.row("authorise", **CLAIMED)
    claim = desk.claim("authorise")

    desk.row("authorise", **CLAIMED | laid_out)

    assert record.is_awaited(desk.read(desk.id), claim) is awaited


def test_an_answer_is_kept_and_the_service_told(desk: Desk) -> None:
    row = desk.row("authorise", **CLAIMED, due_at=START, error="old", action={"url": "old"})
    careful = Careful()

    take_in(desk, Answered(toy.Answer("4711")), "authorise", operation=careful)

    assert desk.changes("authorise") == {
        "state": "done", "lease_until": None, "due_at": None, "result": {"key": "4711"},
        "error": "", "action": None,
    }  # fmt: skip
    assert desk.told() == [("done", "authorise", {})]
    [(what, answer, call)] = careful.told
    assert (what, answer, call.key) == ("record", toy.Answer("4711"), row.key)


def test_a_compensation_that_is_answered_is_done(desk: Desk) -> None:
    desk.done("authorise")
    desk.row("authorise", "", BACK, **CLAIMED)

    take_in(desk, Answered(toy.Answer("back")), "authorise", "", BACK)

    assert desk.changes("authorise", "", BACK) == {
        "state": "done", "lease_until": None, "result": {"key": "back"},
    }  # fmt: skip
    assert desk.told() == [("compensated", "authorise", {})]


@pytest.mark.parametrize(
    ("letter", "forward", "state"),
    [
        ("A", {"state": StepState.DONE}, "done"),
        ("A", {"state": StepState.UNKNOWN, "ambiguous": True}, "done"),
        ("B", {"state": StepState.DONE}, "done"),
        ("B", {"state": StepState.DONE, "ambiguous": True}, "verifying"),
        ("B", {"state": StepState.UNKNOWN}, "verifying"),
        ("C", {"state": StepState.REFUSED, "ambiguous": True}, "verifying"),
        ("D", {"state": StepState.DONE, "ambiguous": True}, "done"),
        ("D", {"state": StepState.UNKNOWN}, "verifying"),
    ],
)
def test_without_a_tombstone_it_is_asked_later_whether_what_was_unanswered_is_gone(
    desk: Desk, letter: str, forward: dict[str, Any], state: str
) -> None:
    desk.row("authorise", **forward)
    desk.row("authorise", "", BACK, **CLAIMED | {"idempotency": letter, "tries": 2})

    take_in(desk, Answered(toy.Answer("back")), "authorise", "", BACK)

    later = {"due_at": after(60), "tries": 0} if state == "verifying" else {}
    assert desk.changes("authorise", "", BACK) == {
        "state": state, "lease_until": None, "result": {"key": "back"}, **later,
    }  # fmt: skip


@pytest.mark.parametrize(("direction", "said"), [(FORWARD, "done"), (ANNUL, "annulled")])
def test_only_a_compensation_is_asked_about_again(desk: Desk, direction: Any, said: str) -> None:
    desk.row("capture", ambiguous=True)
    desk.row("capture", "", direction, **CLAIMED | {"idempotency": "B"})

    take_in(desk, Answered(toy.Answer("x")), "capture", "", direction)

    assert desk.of("capture", "", direction).state == "done"
    assert desk.told() == [(said, "capture", {})]


@pytest.mark.parametrize("outcome", [Absent(), Refused(toy.No("unknown"))])
def test_verified_as_gone_it_is_over(desk: Desk, outcome: Outcome) -> None:
    desk.row("authorise", "", BACK, **CLAIMED, due_at=START)

    take_in(desk, outcome, "authorise", "", BACK, phase=Phase.VERIFY)

    changed = {"state": "done", "lease_until": None, "due_at": None}
    assert desk.changes("authorise", "", BACK) == changed
    assert desk.told() == [("compensated", "authorise", {"verified": True})]


def test_what_landed_late_is_taken_back_again(desk: Desk) -> None:
    desk.row("authorise", "", BACK, **CLAIMED)

    take_in(desk, Answered(toy.Answer("x")), "authorise", "", BACK, phase=Phase.VERIFY)

    changed = {"state": "pending", "lease_until": None, "due_at": START}
    assert desk.changes("authorise", "", BACK) == changed
    assert desk.told() == [("landed_late", "authorise", {})]
    assert toy.WORLD.recorded == []


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Failed("no\x00thing"), "nothing"),
        (MustWait(Waiting({}, seconds=1)), "unexpected answer"),
    ],
)
def test_a_question_without_a_usable_answer_is_asked_again(
    desk: Desk, outcome: Outcome, error: str
) -> None:
    desk.row("authorise", "", BACK, **CLAIMED | {"tries": 2})

    take_in(desk, outcome, "authorise", "", BACK, phase=Phase.VERIFY)

    assert desk.changes("authorise", "", BACK) == {
        "state": "verifying", "lease_until": None, "due_at": after(1), "error": error,
    }  # fmt: skip
    assert desk.told() == []


ASKED_AGAIN = {"state": "pending", "lease_until": None, "due_at": START}
LATER = {"state": "unknown", "lease_until": None, "due_at": after(QUIET - 1)}
SENT = {"sent_at": after(-1)}


@pytest.mark.parametrize(
    ("laid_out", "changed"),
    [
        ({}, ASKED_AGAIN),
        ({"idempotency": "C", **SENT}, LATER),
        ({"idempotency": "C", "sent_at": None}, LATER | {"due_at": after(QUIET)}),
        ({"idempotency": "C", "sent_at": after(-QUIET)}, ASKED_AGAIN),
        ({"spent": True, **SENT}, ASKED_AGAIN),
        ({"spent": True, "tries": 2, **SENT}, ASKED_AGAIN),
        ({"spent": True, "tries": 3, **SENT}, LATER),
        ({"tries": 3, **SENT}, ASKED_AGAIN),
        ({"tries": 3, "sent_at": after(-QUIET), "ambiguous": True}, ASKED_AGAIN),
    ],
)
def test_what_the_other_side_does_not_know_is_sent_again_by_the_same_key(
    desk: Desk, laid_out: dict[str, Any], changed: dict[str, Any]
) -> None:
    desk.row("authorise", **CLAIMED | laid_out)

    take_in(desk, Absent(), "authorise", operation=Careful(), phase=Phase.PROBE)

    assert desk.changes("authorise") == changed
    assert desk.told() == ([("absent", "authorise", {})] if changed == ASKED_AGAIN else [])


@pytest.mark.parametrize("direction", [FORWARD, BACK])
def test_under_a_new_key_only_when_an_error_is_saved_and_nothing_can_land_any_more(
    desk: Desk, direction: Any
) -> None:
    row = CLAIMED | {"spent": True, "ambiguous": True, "tries": 4, "sent_at": after(-QUIET)}
    flight = ("book", "flight", direction)
    desk.row(*flight, **row)

    take_in(desk, Absent(), *flight, operation=Careful(), phase=Phase.PROBE)

    end = "" if direction is FORWARD else ":compensate"
    new = {"attempt": 2, "key": f"{desk.id}:book:flight:2{end}", "ambiguous": False, "spent": False}
    assert desk.changes(*flight) == ASKED_AGAIN | new
    assert desk.told() == [("absent", "book:flight", {})]


def test_not_so_where_an_error_is_not_saved(desk: Desk) -> None:
    desk.row("authorise", **CLAIMED | {"spent": True, "sent_at": after(-QUIET)})

    take_in(desk, Absent(), "authorise", operation=Careful(saves_errors=False))

    assert desk.changes("authorise") == ASKED_AGAIN


def test_the_time_of_asking_counts_not_the_time_of_the_answer(desk: Desk) -> None:
    desk.row("authorise", **CLAIMED | {"idempotency": "C", "sent_at": after(-QUIET + 1)})
    claim = desk.claim("authorise", phase=Phase.PROBE)
    desk.memory.pass_time(2)
    work = desk.read(desk.id)

    record.record(work, claim, Absent())
    work.save()

    assert desk.changes("authorise") == {
        "state": "unknown", "lease_until": None, "due_at": after(1),
    }  # fmt: skip


@pytest.mark.parametrize("ambiguous", [False, True])
@pytest.mark.parametrize("step", ["authorise", "capture"])
def test_a_no_is_kept_in_the_words_of_who_said_it(
    desk: Desk, heard: list[tuple[object, Call]], step: str, ambiguous: bool
) -> None:
    row = desk.row(step, **CLAIMED, ambiguous=ambiguous, due_at=START, action={"url": "old"})
    no = toy.No("sorry\x00")

    take_in(desk, Refused(no), step)

    assert desk.changes(step) == {
        "state": "refused", "lease_until": None, "due_at": None, "action": None, "reason": "no",
        "error": "sorry",
    }  # fmt: skip
    assert desk.told() == [("refused", step, {"code": "no", "message": "sorry"})]
    [(refusal, call)] = heard
    assert (refusal, call.key) == (no, row.key)


@pytest.mark.parametrize(
    ("refusal", "reason", "code"),
    [
        (ValueError("x"), "refused", "refused"),
        (type("Long", (Exception,), {"code": "y\x00" * 200})(), "y" * 120, "y" * 200),
    ],
)
def test_a_reason_fits_its_column(desk: Desk, refusal: Exception, reason: str, code: str) -> None:
    desk.row("authorise", **CLAIMED)

    take_in(desk, Refused(refusal), "authorise")

    assert desk.of("authorise").reason == reason
    assert desk.told()[0][2]["code"] == code


def test_a_message_is_cut_where_the_history_would_grow_without_end(desk: Desk) -> None:
    desk.row("authorise", **CLAIMED)

    take_in(desk, Refused(toy.No("z" * 3000)), "authorise")

    assert desk.of("authorise").error == desk.told()[0][2]["message"] == "z" * 2000


@pytest.mark.parametrize(
    ("ambiguous", "sent_at", "changed"),
    [
        (True, after(-QUIET + 1), {"state": "unknown", "due_at": after(1)}),
        (True, None, {"state": "unknown", "due_at": after(QUIET)}),
        (
            True,
            after(-QUIET),
            {"state": "refused", "ambiguous": False, "reason": "no", "error": "no"},
        ),
        (False, START, {"state": "refused", "reason": "no", "error": "no"}),
    ],
)
def test_a_no_that_nothing_can_annul_counts_once_no_request_can_land(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ambiguous: bool, sent_at: Any, changed: Any
) -> None:
    alone = bare(monkeypatch)
    alone.row("capture", **CLAIMED | {"ambiguous": ambiguous, "sent_at": sent_at})

    take_in(alone, Refused(toy.No("no")), "capture")

    assert alone.changes("capture") == {"lease_until": None, **changed}
    assert [kind for kind, *_ in alone.told()] == ["refused"] * (changed["state"] == "refused")


def test_what_cannot_be_annulled_stands_and_is_asked_about(desk: Desk) -> None:
    desk.row("capture", state=StepState.REFUSED, ambiguous=True, lease_until=after(9))
    desk.row("capture", "", ANNUL, **CLAIMED)
    desk.memory.pass_time(2)

    take_in(desk, Refused(toy.No("too late")), "capture", "", ANNUL)

    assert desk.of("capture", "", ANNUL).state == "refused"
    assert desk.changes("capture") == {
        "state": "unknown", "lease_until": None, "due_at": after(2),
    }  # fmt: skip


@pytest.mark.parametrize("direction", [FORWARD, BACK])
def test_a_no_to_anything_else_leaves_the_forward_call_alone(desk: Desk, direction: Any) -> None:
    desk.done("authorise")
    desk.row("authorise", "", direction, **CLAIMED)

    take_in(desk, Refused(toy.No("no")), "authorise", "", direction)

    assert desk.of("authorise", "", direction).state == "refused"
    assert desk.changes("authorise").get("state", "refused") == "refused"


ASKS = Waiting({"url": "https://example.test"}, seconds=600)


@pytest.mark.parametrize(("seconds", "due"), [(600, 10), (5, 5)])
def test_the_customer_is_waited_for(desk: Desk, seconds: float, due: float) -> None:
    row = desk.row("authorise", **CLAIMED)
    waiting, careful = Waiting({"url": "https://example.test"}, seconds=seconds), Careful()

    take_in(desk, MustWait(waiting), "authorise", operation=careful)

    assert desk.changes("authorise") == {
        "state": "waiting", "lease_until": None, "action": waiting.action,
        "wait_until": after(seconds), "due_at": after(due), "tries": 0, "ambiguous": True,
    }  # fmt: skip
    assert desk.told() == [("waiting", "authorise", {"action": waiting.action})]
    [(what, told, call)] = careful.told
    assert (what, told, call.key) == ("waiting", waiting, row.key)


@pytest.mark.parametrize(("asked_at", "reason"), [(599, ""), (600, TIMED_OUT)])
def test_asked_again_the_wait_ends_when_it_was_to_end(
    desk: Desk, asked_at: float, reason: str
) -> None:
    desk.row("authorise", **CLAIMED | {"action": ASKS.action, "wait_until": after(600)}, reason="x")
    desk.memory.pass_time(asked_at)
    careful = Careful()
    claim = desk.claim("authorise", phase=Phase.PROBE, operation=careful)
    claim = desk.claim(
        "authorise", phase=Phase.PROBE, operation=careful,
        call=Call(**{**vars(claim.call), "now": after(asked_at)}),
    )  # fmt: skip
    work = desk.read(desk.id)

    record.record(work, claim, MustWait(ASKS))
    work.save()

    assert desk.of("authorise").wait_until == after(600)
    assert desk.of("authorise").reason == reason
    assert desk.of("authorise").due_at == after(600)
    assert (desk.told(), careful.told) == ([], [])


def test_another_action_is_told_and_waited_for_no_longer(desk: Desk) -> None:
    desk.row("authorise", **CLAIMED | {"action": {"url": "other"}, "wait_until": after(60)})

    take_in(desk, MustWait(ASKS), "authorise", phase=Phase.PROBE)

    assert desk.told() == [("waiting", "authorise", {"action": ASKS.action})]
    assert desk.of("authorise").wait_until == after(60)


@pytest.mark.parametrize("answered", [False, True])
def test_after_trouble_nothing_is_known_and_it_is_tried_again(desk: Desk, answered: bool) -> None:
    row = desk.row("authorise", **CLAIMED | {"tries": 2}, reason="kept")
    careful = Careful()

    take_in(desk, Failed("la\x00te", answered=answered), "authorise", operation=careful)

    spent = {"spent": True} if answered else {}
    assert desk.changes("authorise") == {
        "state": "unknown", "lease_until": None, "ambiguous": True, "due_at": after(1),
        "error": "late", **spent,
    }  # fmt: skip
    told = {"error": "late", "next_try_at": after(1).isoformat()}
    assert desk.told() == [("unknown", "authorise", told)]
    [(what, error, call)] = careful.told
    assert (what, error, call.key) == ("failure", "la\x00te", row.key)


def test_once_spent_a_key_stays_spent(desk: Desk) -> None:
    desk.row("authorise", **CLAIMED, spent=True)

    take_in(desk, Failed("late"), "authorise")

    assert desk.of("authorise").spent


def test_trouble_of_ours_says_nothing_about_the_other_side(desk: Desk) -> None:
    desk.row("authorise", **CLAIMED)

    take_in(desk, Failed("slept", ours=True), "authorise")

    assert desk.of("authorise").state == "unknown"
    assert toy.WORLD.failures == []


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize(
    "outcome", [Answered(toy.Answer("x")), Absent(), Refused(toy.No("no")), MustWait(ASKS)]
)
def test_whatever_is_answered_the_service_hears_that_the_other_side_is_there(
    desk: Desk, outcome: Outcome, phase: Phase
) -> None:
    desk.done("authorise")
    row = desk.row("authorise", "", BACK, **CLAIMED)
    careful = Careful()

    take_in(desk, outcome, "authorise", "", BACK, operation=careful, phase=phase)

    assert [call.key for call in careful.contacts] == [row.key]


@pytest.mark.parametrize("phase", list(Phase))
def test_trouble_is_no_sign_of_life_not_even_an_error_that_is_answered(
    desk: Desk, phase: Phase
) -> None:
    desk.done("authorise")
    desk.row("authorise", "", BACK, **CLAIMED)
    careful = Careful()

    take_in(
        desk, Failed("500", answered=True), "authorise", "", BACK, operation=careful, phase=phase
    )

    assert careful.contacts == []


def test_a_no_of_our_own_says_nothing_about_the_other_side(desk: Desk) -> None:
    row = desk.row("authorise", due_at=START)

    record.refused(desk.read(desk.id), row, refusal=toy.No("no"))

    assert toy.WORLD.answered == []


def test_what_listens_to_nothing_is_told_nothing(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.delattr(toy.Remote, "record_failure")
    monkeypatch.delattr(toy.Remote, "record_contact")
    desk.row("authorise", **CLAIMED)

    take_in(desk, Failed("late"), "authorise")
    desk.row("authorise", **CLAIMED)
    take_in(desk, MustWait(ASKS), "authorise")

    assert [kind for kind, *_ in desk.told()] == ["unknown", "waiting"]


def test_what_surely_did_not_leave_is_simply_sent_again(desk: Desk) -> None:
    desk.row("authorise", **CLAIMED)

    take_in(desk, Failed("down", sent=False), "authorise")

    assert desk.changes("authorise") == {
        "state": "pending", "lease_until": None, "due_at": after(0.5), "error": "down",
    }  # fmt: skip
    told = {"error": "down", "next_try_at": after(0.5).isoformat()}
    assert desk.told() == [("failed", "authorise", told)]


@pytest.mark.parametrize(
    ("laid_out", "given", "state", "tries"),
    [
        ({"state": StepState.PENDING, "tries": 1}, 2, "pending", 2),
        ({"state": StepState.PENDING, "tries": 1}, None, "pending", 1),
        ({"state": StepState.PENDING, "ambiguous": True}, 2, "unknown", 2),
        ({"state": StepState.UNKNOWN}, 2, "unknown", 2),
        ({"state": StepState.VERIFYING}, 2, "unknown", 2),
        ({"state": StepState.CLAIMED}, 2, "unknown", 2),
        ({"state": StepState.CLAIMED}, None, "pending", 0),
        ({"state": StepState.CLAIMED}, 0, "unknown", 0),
    ],
)
def test_trouble_before_sending_leaves_open_what_was_open(
    desk: Desk, laid_out: dict[str, Any], given: int | None, state: str, tries: int
) -> None:
    row = desk.row("authorise", **laid_out)
    work = desk.read(desk.id)

    record.failed(work, row, error="a bug", sent=False, tries=given)

    now = work.calls[row.id]
    assert (now.state, now.tries, now.ambiguous) == (state, tries, state == "unknown")
    assert now.reason == ""


@pytest.mark.parametrize(
    ("step", "sent", "changed", "coming"),
    [
        ("authorise", True, {"state": "unknown", "ambiguous": True, "reason": NOT_RETRIED}, None),
        ("authorise", False, {"state": "pending", "reason": NOT_RETRIED}, None),
        ("capture", False, {"state": "pending", "reason": NOT_RETRIED}, None),
        ("capture", True, {"state": "unknown", "ambiguous": True, "due_at": after(0.5)}, 0.5),
    ],
)
def test_what_is_not_worth_another_try_gets_none_unless_it_is_a_pivot_that_may_have_arrived(
    desk: Desk, step: str, sent: bool, changed: dict[str, Any], coming: float | None
) -> None:
    desk.row(step, **CLAIMED | {"idempotency": "C", "sent_at": None}, due_at=START)

    take_in(desk, Failed("odd", sent=sent, again=False), step)

    assert desk.changes(step) == {"lease_until": None, "error": "odd", **changed}
    told = {"next_try_at": after(coming).isoformat()} if coming else {}
    assert desk.told()[0][2] == {"error": "odd", **told}


@pytest.mark.parametrize(
    ("laid_out", "outcome", "due"),
    [
        ({"idempotency": "C"}, Failed("late"), QUIET),
        ({"idempotency": "C", "sent_at": after(-QUIET)}, Failed("late"), 0.5),
        ({"idempotency": "C", "sent_at": None}, Failed("late"), 0.5),
        ({"idempotency": "C"}, Failed("down", sent=False), 0.5),
        ({"idempotency": "C"}, Failed("odd", again=False), 0),
        ({"idempotency": "A"}, Failed("late"), 0.5),
    ],
)
def test_who_cannot_be_sent_twice_is_asked_when_no_request_can_land_any_more(
    desk: Desk, laid_out: dict[str, Any], outcome: Failed, due: float
) -> None:
    desk.row("authorise", **CLAIMED | laid_out)

    take_in(desk, outcome, "authorise")

    assert desk.of("authorise").due_at == after(due)


@pytest.mark.parametrize(
    ("laid_out", "changed"),
    [
        ({}, {}),
        ({"ambiguous": True}, {}),
        ({"state": StepState.CLAIMED, "lease_until": START}, {"state": "unknown", "ambiguous": True, "lease_until": None}),
    ],
)  # fmt: skip
def test_a_call_that_is_put_off_costs_no_try(
    desk: Desk, laid_out: dict[str, Any], changed: dict[str, Any]
) -> None:
    row = desk.row("authorise", **laid_out)
    work = desk.read(desk.id)

    record.postponed(work, row, Pause(until=after(7), why="closed"))
    work.save()

    assert desk.changes("authorise") == {"due_at": after(7), **changed}
    told = {"reason": "closed", "until": after(7).isoformat()}
    assert desk.told() == [("postponed", "authorise", told)]


def put_off(desk: Desk, *id_: Any, why: str = "closed") -> None:
    """Put a call off, as the worker does that may not claim it."""
    work = desk.read(desk.id)
    record.postponed(work, work.calls[desk.of(*id_).id], Pause(until=after(7), why=why))
    work.save()


def test_a_series_of_postponements_is_told_once_for_each_call(desk: Desk) -> None:
    for _ in range(3):
        put_off(desk, "authorise")
        put_off(desk, "book", "flight")
    desk.memory.note("done", step="hold")

    put_off(desk, "authorise")

    assert [about for _, about, _ in desk.told()] == ["authorise", "book:flight", "hold"]


def test_it_is_told_again_when_its_worker_died_in_between(desk: Desk) -> None:
    put_off(desk, "authorise")
    desk.row("authorise", **CLAIMED | {"lease_until": START})

    put_off(desk, "authorise")

    assert [kind for kind, *_ in desk.told()] == ["postponed", "postponed"]


@pytest.mark.parametrize(
    ("why", "between"),
    [
        ("open", {}),
        ("closed", {"kind": "unknown", "step": "authorise"}),
        ("closed", {"kind": "retried"}),
    ],
)
def test_it_is_told_again_for_another_reason_and_after_anything_else(
    desk: Desk, why: str, between: dict[str, str]
) -> None:
    put_off(desk, "authorise")
    if between:
        about = {"step": "", "direction": FORWARD if "step" in between else ""}
        desk.memory.history.append(dict(desk.memory.history[-1]) | about | between)

    put_off(desk, "authorise", why=why)

    assert [kind for kind, *_ in desk.told()].count("postponed") == 2


@pytest.mark.parametrize("listening", [True, False])
def test_a_refusal_before_sending_is_told_to_who_listens(
    desk: Desk, listening: bool, request: pytest.FixtureRequest
) -> None:
    heard = request.getfixturevalue("heard") if listening else []
    row = desk.row("authorise", due_at=START)
    work = desk.read(desk.id)

    record.refused(work, row, refusal=toy.No("no"))
    work.save()

    changed = {"state": "refused", "due_at": None, "reason": "no", "error": "no"}
    assert desk.changes("authorise") == changed
    assert len(heard) == listening


def test_a_refused_compensation_is_told_to_the_compensation(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Call] = []
    hear = lambda self, refusal, call: told.append(call)  # noqa: E731 - a method for a test
    monkeypatch.setattr(toy.TakeBack, "record_refusal", hear, raising=False)
    desk.done("authorise")
    row = desk.row("authorise", "", BACK, **CLAIMED)

    take_in(desk, Refused(toy.No("no")), "authorise", "", BACK)

    assert [call.key for call in told] == [row.key]
