"""One worker at one saga: what it does in each turn, and what it does when it is in trouble or overtaken."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError
from psycopg import errors

from booking.orchestrator import calls, engine, moves, store
from booking.orchestrator.engine import Progress
from booking.orchestrator.operations import CodeMissing
from booking.orchestrator.plan import REGISTRY, Link, Pivot, Retry, Saga, Step
from booking.orchestrator.shape import NOT_RETRIED, SagaState, StepState
from eventbus import context
from eventbus.together import Overtaken
from outbound.call import Call, Pause
from tests import toy
from tests.unit.booking.desk import ANNUL, BACK, START, Desk, after

STOOD_STILL = InternalError("terminating connection due to idle-in-transaction timeout")
STOOD_STILL.__cause__ = errors.IdleInTransactionSessionTimeout()
AWAY = [OperationalError("gone"), InterfaceError("gone"), STOOD_STILL]
"""Trouble with the database, not with the work."""

CLAIMED: dict[str, Any] = {
    "state": StepState.CLAIMED,
    "epoch": 1,
    "tries": 1,
    "request": {"what": "x"},
}


@pytest.fixture
def parked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[UUID, str]]:
    """The sagas that were parked unread, with the reasons."""
    found: list[tuple[UUID, str]] = []
    monkeypatch.setattr(moves, "park", lambda saga_id, reason: found.append((saga_id, reason)))
    return found


def worker(desk: Desk, link: str | None = None) -> engine.Worker:
    return engine.Worker(desk.id, link)


def applying(monkeypatch: pytest.MonkeyPatch, apply: Callable[..., Any]) -> None:
    """Let the local steps do this."""
    monkeypatch.setattr(toy.Local, "apply", apply)


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*given: object) -> None:
        raise error

    return fail


def overtake(desk: Desk) -> None:
    """Write something else to the saga, as another worker would."""
    desk.memory.saga = replace(desk.memory.saga, epoch=desk.memory.saga.epoch + 1)


def test_a_saga_is_taken_as_far_as_it_goes(desk: Desk, parked: list[Any]) -> None:
    assert engine.advance(desk.id) is Progress.STOPPED

    assert desk.memory.saga.state == "completed"
    assert toy.WORLD.calls == ["hold", "authorise", "book flight", "capture", "confirm"]
    assert toy.WORLD.recorded == ["authorise", "book flight", "capture"]
    assert parked == []


def test_a_saga_that_does_not_exist_is_no_reason_to_park(desk: Desk, parked: list[Any]) -> None:
    with pytest.raises(store.SagaNotFound):
        engine.advance(uuid4())

    assert parked == []


@pytest.mark.parametrize("trouble", AWAY)
def test_trouble_with_the_database_is_raised_and_nothing_is_written(
    desk: Desk, parked: list[Any], monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    applying(monkeypatch, raising(trouble))

    with pytest.raises(type(trouble)):
        engine.advance(desk.id)

    assert (parked, desk.changes("hold"), desk.told()) == ([], {}, [])


def test_what_nobody_expected_parks_the_saga_where_a_person_sees_it(
    desk: Desk, parked: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(moves, "next_of", raising(KeyError("plan")))

    assert engine.advance(desk.id) is Progress.STOPPED

    assert parked == [(desk.id, "KeyError: 'plan'")]
    assert caplog.messages == [f"saga {desk.id} parked"]


@pytest.mark.parametrize(
    ("link", "direction", "progress", "done"),
    [
        ("reservation", None, Progress.PASSED, ["hold", "authorise"]),
        ("reservation", "forward", Progress.PASSED, ["hold", "authorise"]),
        ("reservation", "compensate", Progress.STOPPED, []),
        ("provider", "forward", Progress.STOPPED, []),
        ("no such link", "forward", Progress.STOPPED, []),
    ],
)
def test_a_message_moves_only_its_own_link_in_its_own_direction(
    desk: Desk, link: str, direction: Any, progress: Progress, done: list[str]
) -> None:
    came = engine.Direction(direction) if direction else None

    assert engine.advance(desk.id, link=link, direction=came) is progress

    assert toy.WORLD.calls == done


@pytest.mark.parametrize(
    ("link", "progress"),
    [
        ("payment", Progress.PASSED),
        ("provider", Progress.PASSED),
        ("reservation", Progress.STOPPED),
    ],
)
def test_on_the_way_back_the_links_come_in_reverse(
    desk: Desk, link: str, progress: Progress
) -> None:
    desk.saga(state=SagaState.COMPENSATING, reason="no")
    desk.row("hold", "", BACK, due_at=START)
    desk.row("book", "flight", BACK, state=StepState.DONE)
    if progress is Progress.STOPPED:
        desk.row("book", "flight", BACK, state=StepState.PENDING)

    assert engine.advance(desk.id, link=link) is progress

    assert toy.WORLD.calls == []


def test_a_link_that_turned_the_saga_back_asks_for_the_chain_of_compensations(desk: Desk) -> None:
    toy.WORLD.answers["authorise"] = ["no"]

    assert engine.advance(desk.id, link="reservation") is Progress.TURNED

    assert toy.WORLD.calls == ["hold", "authorise"]


def test_a_worker_for_all_links_goes_on_when_the_saga_turns_back(desk: Desk) -> None:
    toy.WORLD.answers["book flight"] = ["no"]

    assert engine.advance(desk.id) is Progress.STOPPED

    assert toy.WORLD.calls[-2:] == ["back authorise", "back hold"]
    assert toy.WORLD.closed == [("failed", "no")]


def test_what_a_step_publishes_carries_what_the_saga_was_started_by(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[context.Context] = []
    applying(monkeypatch, lambda self, call: seen.append(context.current()))
    desk.saga(correlation_id="request 1", traceparent="00-trace")

    worker(desk).turn()

    assert (seen[0].correlation_id, seen[0].traceparent) == ("request 1", "00-trace")


def test_without_such_a_thing_the_circumstances_stay_as_they_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[context.Context] = []
    applying(monkeypatch, lambda self, call: seen.append(context.current()))

    with context.correlated(correlation_id="sweep", traceparent="00-mine"):
        worker(desk).turn()

    assert (seen[0].correlation_id, seen[0].traceparent) == ("sweep", "00-mine")


def test_a_pivot_is_entered_with_the_claim_that_follows_or_not_at_all(desk: Desk) -> None:
    desk.done("hold", "authorise", "book")
    one = worker(desk)

    assert one.turn() == ()
    assert (one.work.changed, desk.memory.saga.state) == (True, "running")
    [claim] = one.turn()  # type: ignore[misc]

    assert desk.memory.saga.state == "pivoting"
    assert (claim.call.step, desk.of("capture").state) == ("capture", "claimed")


def test_to_enter_a_local_pivot_and_to_pass_it_are_two_moves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REGISTRY, "local", toy.TOY)  # so that it is forgotten at the end
    links = [Link("payment", Pivot("capture", toy.Local), Step("confirm", toy.Local))]
    local = Desk(Saga("local", 1, "trip_id", 900, links, toy.fail, toy.cancel))
    monkeypatch.setattr(store, "read", local.read)
    one = engine.Worker(local.id)

    assert (one.turn(), local.memory.saga.state, toy.WORLD.calls) == ((), "running", [])
    assert (one.turn(), local.memory.saga.state, toy.WORLD.calls) == ((), "pivoting", [])
    assert (one.turn(), local.memory.saga.state, toy.WORLD.calls) == ((), "finishing", ["capture"])


def test_what_turns_a_saga_back_is_written_before_anything_is_taken_back(desk: Desk) -> None:
    desk.done("hold")
    desk.saga(cancel_requested=True)

    assert worker(desk).turn() == ()

    assert (desk.memory.saga.state, toy.WORLD.calls) == ("compensating", [])
    assert desk.of("hold", "", BACK).state == "pending"


def test_an_end_is_written_with_its_hook(desk: Desk) -> None:
    desk.saga(state=SagaState.COMPENSATING, reason="no")

    assert worker(desk).turn() is Progress.STOPPED

    assert (desk.memory.saga.state, toy.WORLD.closed) == ("failed", [("failed", "no")])


def test_a_saga_that_needs_a_person_meanwhile_is_parked(desk: Desk) -> None:
    desk.done("hold")
    desk.row("authorise", **CLAIMED, never_resend=True, lease_until=after(-1))

    assert worker(desk).turn() is Progress.STOPPED

    assert desk.memory.attention_reason is not None


def test_when_to_wake_up_is_written_only_if_it_is_another_time(desk: Desk) -> None:
    desk.done("hold")
    desk.row("authorise", state=StepState.UNKNOWN, due_at=after(40))

    assert worker(desk).turn() is Progress.STOPPED
    assert (desk.memory.saga.due_at, desk.memory.saga.epoch) == (after(40), 1)

    assert worker(desk).turn() is Progress.STOPPED
    assert desk.memory.saga.epoch == 1


def test_of_a_saga_that_is_over_nothing_is_written(desk: Desk) -> None:
    desk.saga(state=SagaState.COMPLETED)

    assert worker(desk).turn() is Progress.STOPPED
    assert desk.memory.saga.epoch == 0


def test_a_local_step_is_done_and_recorded_in_one_transaction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Call] = []

    def apply(self: toy.Local, call: Call) -> toy.Answer:
        given.append(call)
        return toy.Answer("seat 7")

    applying(monkeypatch, apply)
    desk.row("hold", tries=1, due_at=START)

    assert worker(desk).turn() == ()

    assert desk.changes("hold") == {
        "state": "done", "due_at": None, "result": {"key": "seat 7"}, "tries": 2,
    }  # fmt: skip
    assert desk.told() == [("done", "hold", {})]
    assert given[0].key == desk.of("hold").key


def test_a_local_step_that_says_no_leaves_its_reason(desk: Desk) -> None:
    toy.WORLD.answers["hold"] = ["no"]

    assert worker(desk).turn() == ()

    assert desk.changes("hold") == {"state": "refused", "reason": "no", "error": "no"}
    assert desk.memory.saga.epoch == 1


def test_a_local_step_that_fails_is_tried_again_after_a_pause(desk: Desk) -> None:
    toy.WORLD.answers["hold"] = ["lost"]
    desk.row("hold", tries=1)

    assert worker(desk).turn() == ()

    changed = desk.changes("hold")
    assert changed.pop("due_at") > START
    assert changed == {"error": "Crash: a bug", "tries": 2}
    assert [kind for kind, *_ in desk.told()] == ["failed"]


@pytest.mark.parametrize(("on", "reason"), [(ValueError, ""), (KeyError, NOT_RETRIED)])
def test_a_local_step_is_tried_again_only_after_what_is_worth_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, on: type[Exception], reason: str
) -> None:
    monkeypatch.setitem(REGISTRY, "choosy", toy.TOY)  # so that it is forgotten at the end
    step = Step("hold", toy.Local, compensate=toy.LocalBack, retry=Retry(on=(on,)))
    choosy = Desk(Saga("choosy", 1, "trip_id", 900, [Link("one", step)], toy.fail, toy.cancel))
    monkeypatch.setattr(store, "read", choosy.read)
    applying(monkeypatch, raising(ValueError("odd")))

    engine.Worker(choosy.id).turn()

    assert choosy.of("hold").reason == reason


def test_trouble_with_the_database_in_a_local_step_is_raised(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    applying(monkeypatch, raising(OperationalError("gone")))

    with pytest.raises(OperationalError):
        worker(desk).turn()

    assert desk.changes("hold") == {}


def test_calls_are_claimed_before_they_are_made(desk: Desk) -> None:
    desk.done("hold", "authorise")
    desk.row("book", "hotel")

    claims = worker(desk).turn()

    assert [claim.call.item for claim in claims] == ["flight", "hotel"]  # type: ignore[union-attr]
    assert [desk.of("book", item).state for item in ("flight", "hotel")] == ["claimed", "claimed"]
    assert toy.WORLD.calls == []


def test_a_call_that_is_to_be_left_alone_is_put_off_and_the_others_made(desk: Desk) -> None:
    desk.done("hold", "authorise")
    desk.row("book", "hotel")
    toy.WORLD.pauses["book flight"] = Pause(until=after(20), why="closed")

    [claim] = worker(desk).turn()  # type: ignore[misc]

    assert claim.call.item == "hotel"
    assert desk.changes("book", "flight") == {"due_at": after(20)}


def test_a_no_before_anything_is_sent_sends_none(desk: Desk) -> None:
    desk.done("hold", "authorise")
    desk.row("book", "hotel")
    toy.WORLD.answers["prepare book hotel"] = ["no"]

    assert worker(desk).turn() == ()

    assert desk.changes("book", "flight") == {}
    assert (desk.of("book", "hotel").state, desk.of("book", "hotel").reason) == ("refused", "no")


def test_a_preparation_that_fails_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.done("hold")
    monkeypatch.setattr(toy.Remote, "prepare", raising(ValueError("odd")))

    assert worker(desk).turn() == ()

    changed = {"error": "ValueError: odd", "tries": 1, "due_at": after(0.5)}
    assert desk.changes("authorise") == changed


@pytest.mark.parametrize("error", [CodeMissing("no step"), *AWAY])
def test_what_no_retry_would_mend_in_a_preparation_is_raised(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    desk.done("hold")
    monkeypatch.setattr(toy.Remote, "prepare", raising(error))

    with pytest.raises(type(error)):
        worker(desk).turn()

    assert desk.changes("authorise") == {}


def test_who_is_overtaken_in_a_turn_reads_again(desk: Desk) -> None:
    one = worker(desk)
    overtake(desk)

    assert one.turn() == ()

    assert (desk.changes("hold"), one.work.saga.epoch) == ({}, 1)
    assert one.turn() == ()
    assert desk.of("hold").state == "done"


def claimed(desk: Desk) -> tuple[engine.Worker, calls.Claim]:
    """Return a worker that is making a call."""
    desk.done("hold")
    desk.row("authorise", **CLAIMED, lease_until=after(30))
    return worker(desk), desk.claim("authorise")


def test_who_is_overtaken_while_recording_records_on_what_is_there_then(desk: Desk) -> None:
    one, claim = claimed(desk)
    overtake(desk)

    one.record(claim, calls.Answered(toy.Answer("x")))

    assert desk.of("authorise").state == "done"
    assert toy.WORLD.recorded == ["authorise"]


def test_an_answer_after_somebody_else_has_claimed_the_call_is_dropped(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    one, claim = claimed(desk)
    desk.row("authorise", epoch=2)
    overtake(desk)

    one.record(claim, calls.Answered(toy.Answer("x")))

    assert (desk.changes("authorise"), toy.WORLD.recorded) == ({}, [])
    key = desk.of("authorise").key
    assert caplog.messages == [f"fenced: {key} answered after it was claimed again"]


def test_an_answer_that_cannot_be_recorded_is_unknown_and_no_fault_of_the_other_side(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, claim = claimed(desk)
    monkeypatch.setattr(toy.Remote, "record", raising(ValueError("odd")))

    one.record(claim, calls.Answered(toy.Answer("x")))

    assert desk.of("authorise").state == "unknown"
    assert desk.of("authorise").error == "recording failed: ValueError: odd"
    assert desk.of("authorise").result is None
    assert toy.WORLD.failures == []
    assert caplog.messages == [f"{desk.of('authorise').key} could not be recorded"]


def test_a_failure_that_cannot_be_recorded_is_raised(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, claim = claimed(desk)
    monkeypatch.setattr(toy.Remote, "record_failure", raising(ValueError("odd")))

    with pytest.raises(ValueError, match="odd"):
        one.record(claim, calls.Failed("late"))

    assert desk.changes("authorise") == {}


@pytest.mark.parametrize(
    ("trouble", "state", "away"),
    [
        (OperationalError, errors.AdminShutdown, True),
        (OperationalError, errors.QueryCanceled, True),
        (InterfaceError, None, True),
        (InternalError, errors.IdleInTransactionSessionTimeout, True),
        (InternalError, errors.InFailedSqlTransaction, False),
        (InternalError, None, False),
        (IntegrityError, errors.UniqueViolation, False),
        (ValueError, None, False),
    ],
)
def test_whose_trouble_an_error_is(trouble: Any, state: Any, away: bool) -> None:
    error = trouble("odd")
    error.__cause__ = state() if state else None

    assert store.is_away(error) is away


def test_an_answer_is_not_recorded_again_when_the_lease_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, claim = claimed(desk)
    claim = replace(claim, not_after=100.0)
    pauses: list[float] = []
    moments = iter([100 + claim.call.seconds, 100.1 + claim.call.seconds])
    monkeypatch.setattr(
        engine, "time", SimpleNamespace(sleep=pauses.append, monotonic=lambda: next(moments))
    )
    monkeypatch.setattr(toy.Remote, "record", raising(OperationalError("gone")))

    with pytest.raises(OperationalError):
        one.record(claim, calls.Answered(toy.Answer("x")))

    assert pauses == [0.0, 0.1]


@pytest.mark.parametrize("trouble", AWAY)
def test_trouble_with_the_database_while_recording_is_raised_when_it_lasts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    one, claim = claimed(desk)
    pauses: list[float] = []
    monkeypatch.setattr(engine.time, "sleep", pauses.append)
    monkeypatch.setattr(toy.Remote, "record", raising(trouble))

    with pytest.raises(type(trouble)):
        one.record(claim, calls.Answered(toy.Answer("x")))

    assert desk.changes("authorise") == {}
    assert pauses == [0.0, 0.1, 1.0, 4.0]


@pytest.mark.parametrize("where", ["recording", "reading again"])
def test_an_answer_in_hand_outlives_a_database_that_is_away_for_a_moment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    one, claim = claimed(desk)
    monkeypatch.setattr(engine.time, "sleep", lambda seconds: None)
    away = iter([OperationalError("gone"), OperationalError("gone")])
    original, read = toy.Remote.record, store.read

    def once(work: Callable[..., Any]) -> Callable[..., Any]:
        def tried(*args: Any) -> Any:
            if error := next(away, None):
                raise error
            return work(*args)

        return tried

    monkeypatch.setattr(toy.Remote, "record", once(original))
    if where == "reading again":
        monkeypatch.setattr(store, "read", once(read))

    one.record(claim, calls.Answered(toy.Answer("x")))

    assert desk.of("authorise").state is StepState.DONE
    assert toy.WORLD.recorded == ["authorise"]
    assert caplog.messages == [f"{claim.call.key} is to be recorded again: gone"] * 2


def test_an_answer_whose_commit_was_not_heard_of_is_not_recorded_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, claim = claimed(desk)
    monkeypatch.setattr(engine.time, "sleep", lambda seconds: None)
    original = one._transaction

    @contextmanager
    def unheard() -> Iterator[Any]:
        monkeypatch.setattr(one, "_transaction", original)
        with original() as work:
            yield work
        raise OperationalError("the connection broke during COMMIT")

    monkeypatch.setattr(one, "_transaction", unheard)

    one.record(claim, calls.Answered(toy.Answer("x")))

    assert desk.of("authorise").state is StepState.DONE
    assert toy.WORLD.recorded == ["authorise"]


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.row("hold", state=StepState.DONE),
        lambda desk: desk.row("hold", epoch=1),
        lambda desk: desk.saga(state=SagaState.COMPENSATING, reason="no"),
        lambda desk: desk.saga(parked=True),
        lambda desk: desk.saga(state=SagaState.FAILED),
    ],
    ids=["done", "claimed again", "turned back", "parked", "over"],
)
def test_trouble_is_not_recorded_where_the_saga_has_gone_on_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, change: Callable[[Desk], None]
) -> None:
    one = worker(desk)
    trouble = engine._Trouble(one.work.calls["hold", "", engine.Direction.FORWARD], ValueError("x"))
    change(desk)
    overtake(desk)

    one._record_trouble(trouble)

    assert desk.changes("hold") == {}
    assert (one.work.saga.epoch, desk.told()) == (1, [])


def limited(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    """Fail the test when a worker takes more turns than that."""
    left = iter(range(turns))
    turn = engine.Worker.turn

    def counted(self: engine.Worker) -> Any:
        assert next(left, None) is not None, "the worker comes to no end"
        return turn(self)

    monkeypatch.setattr(engine.Worker, "turn", counted)


@pytest.mark.parametrize(
    ("operation", "phase", "step"),
    [(toy.TakeBack, "prepare", "authorise"), (toy.LocalBack, "apply", "hold")],
)
def test_a_worker_that_turned_the_saga_back_records_what_fails_on_the_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, operation: type, phase: str, step: str
) -> None:
    limited(monkeypatch, 30)
    monkeypatch.setattr(operation, phase, raising(ValueError("odd")))
    toy.WORLD.answers["book flight"] = ["no"]

    engine.advance(desk.id)

    back = desk.of(step, "", BACK)
    assert (back.state, back.tries, back.error) == ("pending", 1, "ValueError: odd")


def test_an_annulment_that_cannot_be_prepared_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.done("hold", "authorise", "book")
    desk.saga(state=SagaState.PIVOTING)
    desk.row("capture", state=StepState.REFUSED, ambiguous=True)
    desk.row("capture", "", ANNUL)
    monkeypatch.setattr(toy.TakeBack, "prepare", raising(ValueError("odd")))

    assert worker(desk).turn() == ()

    assert desk.of("capture", "", ANNUL).error == "ValueError: odd"


def test_trouble_is_recorded_on_what_is_there_by_then(desk: Desk) -> None:
    one = worker(desk)
    trouble = engine._Trouble(one.work.calls["hold", "", engine.Direction.FORWARD], ValueError("x"))
    overtake(desk)

    one._record_trouble(trouble)

    assert desk.of("hold").error == "ValueError: x"


def test_who_is_overtaken_while_recording_trouble_tries_again_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = worker(desk)
    trouble = engine._Trouble(one.work.calls["hold", "", engine.Direction.FORWARD], ValueError("x"))
    overtake(desk)
    monkeypatch.setattr(moves, "save", raising(Overtaken("somebody was first")))

    one._record_trouble(trouble)

    assert desk.changes("hold") == {}
    assert one.work.saga.epoch == 1
    assert not one.work.changed


def test_a_worker_that_is_overtaken_again_and_again_comes_to_an_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, engine.READINGS + 1)
    monkeypatch.setattr(moves, "save", raising(Overtaken("never as it was read")))

    one = worker(desk)

    with pytest.raises(RuntimeError, match=f"overtaken {engine.READINGS} times"):
        one.advance()
    assert one.readings == engine.READINGS + 1


def test_a_row_that_a_local_step_did_not_find_as_it_was_read_is_no_trouble_of_the_step(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([raising(Overtaken("a reservation")), lambda self, call: None])
    monkeypatch.setattr(toy.Local, "apply", lambda self, call: next(answers)(self, call))
    one = worker(desk)

    assert one.turn() == ()
    assert (desk.changes("hold"), one.readings) == ({}, 2)
    assert one.turn() == ()

    assert desk.of("hold").state == StepState.DONE


def test_trouble_says_what_it_was_about() -> None:
    error = toy.No("sold out")

    assert str(engine._Trouble(Desk().of("hold"), error, toy.No)) == "sold out"
    assert engine._Trouble(Desk().of("hold"), error, toy.No, KeyError).refused
    assert not engine._Trouble(Desk().of("hold"), error, KeyError).refused
