"""What becomes of an event at its handlers, as far as no database is needed for it."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from eventbus import context, inbox, subscribe
from eventbus.inbox import Outcome, Received, Status
from eventbus.models import InboxEntry
from tests.integration.eventbus import sample
from tests.unit.eventbus.listening import MOMENT, SUBJECT, TRACE, Listener, record

TRACE_ID = TRACE[3:35]


@pytest.fixture
def listening() -> Iterator[Callable[..., Listener]]:
    yield Listener
    subscribe.GROUPS.pop("listening", None)


@pytest.fixture
def listener(listening: Callable[..., Listener]) -> Listener:
    return listening(retry=sample.THREE_TIMES)


def test_a_handler_is_run_in_the_circumstances_of_the_event(listener: Listener) -> None:
    outcome = inbox.attempt(handler=listener.handler, record=record(), attempts=2, guarded=False)

    [(event, meta, running)] = listener.given
    assert event == sample.Noted(subject_id=SUBJECT, number=1)
    assert meta == record().meta()
    assert (running.correlation_id, running.causation_id) == ("request 1", uuid.UUID(int=1))
    assert (running.actor, (running.traceparent or "").split("-")[1]) == ("ada", TRACE_ID)
    assert (outcome.status, outcome.attempts, outcome.error) == (Status.DONE, 3, "")
    assert outcome.delay is None
    assert listener.units == []


def test_where_nobody_acted_the_actor_stays_who_it_was(listener: Listener) -> None:
    with context.correlated(actor="worker"):
        inbox.attempt(handler=listener.handler, record=record(actor=""), attempts=0, guarded=False)

    assert listener.given[0][2].actor == "worker"


def test_a_replay_is_said_to_be_one(listener: Listener) -> None:
    inbox.attempt(handler=listener.handler, record=record(), attempts=0, replay=True, guarded=False)

    assert listener.given[0][1].replay


def test_an_attempt_is_no_replay_unless_it_is_said(listener: Listener) -> None:
    inbox.attempt(handler=listener.handler, record=record(), attempts=0, guarded=False)

    assert not listener.given[0][1].replay


def test_how_long_a_handler_took_is_measured_in_milliseconds(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([10.0, 10.25])
    monkeypatch.setattr(inbox.time, "perf_counter", lambda: next(moments))

    outcome = inbox.attempt(handler=listener.handler, record=record(), attempts=0, guarded=False)

    assert outcome.duration_ms == 250.0


def test_unguarded_a_failure_is_raised(listener: Listener) -> None:
    listener.trouble[1] = ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        inbox.attempt(handler=listener.handler, record=record(), attempts=0, guarded=False)


@pytest.mark.parametrize("guarded", [False, True])
def test_what_cannot_be_read_is_dead_at_once(
    listener: Listener, caplog: pytest.LogCaptureFixture, guarded: bool
) -> None:
    unreadable = record(data='{"number": "many\\u0000"}')

    outcome = inbox.attempt(
        handler=listener.handler, record=unreadable, attempts=4, guarded=guarded
    )

    assert (outcome.status, outcome.attempts) == (Status.DEAD, 5)
    assert "EventInvalid" in outcome.error
    assert listener.given == []
    assert caplog.messages == [f"tests.noted.v1 {record().event_id} cannot be read"]


def test_an_error_fits_its_column() -> None:
    try:
        raise ValueError("\0" + "x" * 9000)
    except ValueError:
        long = inbox._error()
    try:
        raise ValueError("a\0b")
    except ValueError:
        short = inbox._error()

    assert len(long) == 8000
    assert long.endswith("xxx\n")
    assert short.endswith("ValueError: a\\0b\n")


@pytest.mark.parametrize(
    ("attempts", "status", "delay"), [(2, Status.RETRY, True), (3, Status.DEAD, False)]
)
def test_a_failure_is_tried_again_until_its_attempts_are_used_up(
    listener: Listener, attempts: int, status: Status, delay: bool
) -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        outcome = inbox._failed(listener.handler, attempts)

    assert (outcome.status, outcome.attempts) == (status, attempts)
    assert outcome.error.endswith("ValueError: odd\n")
    assert (outcome.delay is not None) == delay
    if outcome.delay:
        assert timedelta(seconds=48) <= outcome.delay <= timedelta(seconds=72)


def test_an_event_is_given_to_the_handlers_of_its_fact(listener: Listener) -> None:
    received = inbox.receive(group=listener.group, record=record(), blocked=set(), guarded=False)

    assert [(each.handler, each.record) for each in received] == [(listener.handler, record())]
    assert received[0].outcome.status == Status.DONE
    assert received[0].outcome.attempts == 1
    assert (
        inbox.receive(
            group=listener.group, record=record(type="tests.other.v1"), blocked=set(), guarded=False
        )
        == []
    )


def test_behind_an_earlier_one_of_its_key_an_event_is_parked_unseen(listener: Listener) -> None:
    blocked = {str(SUBJECT)}

    [received] = inbox.receive(
        group=listener.group, record=record(), blocked=blocked, guarded=False
    )

    assert received.outcome == Outcome(status=Status.PARKED, attempts=0)
    assert (listener.given, blocked) == ([], {str(SUBJECT)})


def test_another_key_is_not_held_up(listener: Listener) -> None:
    blocked = {"another"}

    [received] = inbox.receive(
        group=listener.group, record=record(), blocked=blocked, guarded=False
    )

    assert (received.outcome.status, blocked) == (Status.DONE, {"another"})


def test_an_event_that_is_dead_holds_up_its_key(listener: Listener) -> None:
    blocked: set[str] = set()

    inbox.receive(group=listener.group, record=record(data="{}"), blocked=blocked, guarded=False)

    assert blocked == {str(SUBJECT)}


def test_who_does_not_care_for_order_neither_waits_nor_holds_up(
    listening: Callable[..., Listener],
) -> None:
    careless, blocked = listening(order="none"), {str(SUBJECT)}
    inbox.receive(group=careless.group, record=record(), blocked=blocked, guarded=False)
    assert careless.numbers == [1]

    blocked.clear()
    inbox.receive(group=careless.group, record=record(data="{}"), blocked=blocked, guarded=False)
    assert blocked == set()


def test_two_handlers_of_one_event_do_not_hold_each_other_up(listener: Listener) -> None:
    seen: list[int] = []

    @listener.group.on(sample.Noted)
    def also(event: sample.Noted) -> None:
        """Note it too."""
        seen.append(event.number)

    blocked: set[str] = set()

    inbox.receive(group=listener.group, record=record(), blocked=blocked, guarded=False)

    assert (listener.numbers, seen) == ([1], [1])


def settled(outcome: Outcome) -> InboxEntry:
    """Return an old row into which an outcome was written."""
    entry = InboxEntry(
        status=Status.RETRY, attempts=1, error="old", duration_ms=9.0, next_attempt_at=MOMENT,
        finished_at=MOMENT,
    )  # fmt: skip
    inbox.settle(entry, outcome)
    return entry


def test_what_is_done_is_settled() -> None:
    entry = settled(Outcome(status=Status.DONE, attempts=2, duration_ms=7.0))

    assert (entry.status, entry.attempts, entry.error, entry.duration_ms) == ("done", 2, "", 7.0)
    assert entry.next_attempt_at is None
    assert isinstance(entry.finished_at, Now)


def test_what_failed_is_settled_with_its_next_attempt() -> None:
    delay = timedelta(seconds=60)
    entry = settled(Outcome(status=Status.RETRY, attempts=2, error="odd", delay=delay))

    assert (entry.status, entry.attempts, entry.error, entry.duration_ms) == (
        "retry", 2, "odd", None,
    )  # fmt: skip
    assert repr(entry.next_attempt_at) == repr(Now() + delay)
    assert entry.finished_at is None


def test_a_row_says_what_was_received_and_how_that_ended(listener: Listener) -> None:
    outcome = Outcome(
        status=Status.RETRY, attempts=2, error="odd", delay=timedelta(seconds=60), duration_ms=5.0
    )

    assert inbox._row(Received(handler=listener.handler, record=record(3), outcome=outcome), 2.5) == {
        "group": "listening", "handler": listener.handler.name, "event_id": uuid.UUID(int=3),
        "stream": "tests", "position": 3, "type": "tests.noted.v1", "key": str(SUBJECT),
        "ordered": True, "status": "retry", "attempts": 2, "error": "odd", "duration_ms": 7.5,
        "delay": 60.0,
    }  # fmt: skip


def test_what_never_ran_took_no_time_and_has_no_next_attempt(
    listening: Callable[..., Listener],
) -> None:
    careless = listening(order="none")
    row = inbox._row(Received(handler=careless.handler, record=record(), outcome=inbox.PARKED), 2.5)

    assert (row["duration_ms"], row["delay"], row["ordered"]) == (None, None, False)


def running(*outcomes: object) -> tuple[list[bool], Callable[[bool], object]]:
    """Return a unit of work that ends like this, one time after the other."""
    seen: list[bool] = []
    ends = iter(outcomes)

    def run(guarded: bool) -> object:
        seen.append(guarded)
        end = next(ends)
        if isinstance(end, Exception):
            raise end
        return end

    return seen, run


def test_a_batch_is_run_once_and_unguarded_when_nothing_fails() -> None:
    seen, run = running("done")

    assert inbox.optimistically(run) == "done"
    assert seen == [False]


def test_a_batch_that_failed_is_run_again_guarded(caplog: pytest.LogCaptureFixture) -> None:
    seen, run = running(ValueError("odd"), "done")

    with caplog.at_level("INFO"):
        assert inbox.optimistically(run) == "done"

    assert seen == [False, True]
    assert caplog.messages == [
        "Running a batch again, each handler guarded by a savepoint: ValueError('odd')"
    ]


def test_trouble_with_the_infrastructure_is_not_run_again() -> None:
    seen, run = running(OperationalError("gone"), "done")

    with pytest.raises(OperationalError):
        inbox.optimistically(run)

    assert seen == [False]
