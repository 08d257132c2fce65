"""The inbox's own statements, and each decision of one delivery, on rows that are laid out by hand."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from eventbus import crashpoints, delivery, inbox, log, retries, subscribe
from eventbus.delivery import Offer, Progress
from eventbus.inbox import Outcome, Received, Status
from eventbus.models import Cursor, InboxEntry, OutboxEntry, Stream
from tests.integration.eventbus import sample
from tests.unit.eventbus.listening import Listener, record

pytestmark = pytest.mark.django_db

EPOCH = "0123456789ab"


@pytest.fixture
def listener() -> Iterator[Listener]:
    yield Listener(retry=sample.THREE_TIMES)
    subscribe.GROUPS.pop("listening")


def laid_out(*numbers: int, **fields: Any) -> None:
    """Put numbered events into the log, and the end of the stream behind the last."""
    for number in numbers:
        made = record(number)
        known = {n: getattr(made, n) for n in ("event_id", "type", "key", "traceparent", "actor")}
        OutboxEntry.objects.create(
            **known | fields, stream="tests", position=number, occurred_at=made.occurred_at,
            data={"subject_id": made.key, "number": number}, causation_id=None,
            correlation_id="request 1",
        )  # fmt: skip
    Stream.objects.update_or_create(
        name="tests", defaults={"epoch": EPOCH, "head": max(numbers), "published": 0}
    )


def place(**fields: Any) -> Cursor:
    """Put the listener's place at the beginning of the log."""
    return Cursor.objects.create(
        **{"group": "listening", "stream": "tests", "position": 0, "started_from": 0, **fields}
    )


def entry(number: int, status: str, **fields: Any) -> InboxEntry:
    """Put what became of an event into the inbox."""
    known: dict[str, Any] = {
        "group": "listening", "handler": "gone", "event_id": uuid.UUID(int=number),
        "stream": "tests", "position": number, "type": "tests.noted.v1", "key": record().key,
        "status": status, "attempts": 1, "error": "old",
        "next_attempt_at": timezone.now() - timedelta(seconds=1) if status == "retry" else None,
    }  # fmt: skip
    return InboxEntry.objects.create(**known | fields)


def deliver(listener: Listener, offer: Offer | None = None, **options: Any) -> Progress:
    return delivery.deliver(
        group=listener.group, stream="tests", offer=offer or Offer(epoch=""), **options
    )


def rows() -> list[tuple[int, str]]:
    return list(InboxEntry.objects.order_by("id").values_list("position", "status"))


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The crash points that are passed, in order."""
    passed: list[str] = []
    monkeypatch.setattr(crashpoints, "reached", passed.append)
    return passed


# What the inbox knows


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({}, True),
        ({"group": "another"}, False),
        ({"stream": "another"}, False),
        ({"next_attempt_at": timezone.now() + timedelta(hours=1)}, False),
    ],
)
def test_a_retry_is_due_when_its_time_has_come(fields: dict[str, Any], due: bool) -> None:
    entry(1, "retry", **fields)

    assert inbox.outlook(group="listening", stream="tests", keys=[]) == (due, set())


@pytest.mark.parametrize(
    ("status", "fields", "blocked"),
    [
        ("retry", {}, True),
        ("parked", {}, True),
        ("dead", {}, True),
        ("done", {}, False),
        ("retry", {"ordered": False}, False),
        ("retry", {"group": "another"}, False),
        ("retry", {"stream": "another"}, False),
        ("retry", {"key": "another"}, False),
    ],
)
def test_a_key_is_blocked_by_what_is_not_settled(
    status: str, fields: dict[str, Any], blocked: bool
) -> None:
    entry(1, status, **fields)
    keys = [record().key, record().key, "a third"]

    _, found = inbox.outlook(group="listening", stream="tests", keys=keys)

    assert found == ({record().key} if blocked else set())


def test_a_batch_is_written_in_one_statement(listener: Listener) -> None:
    outcomes = [
        Outcome(status=Status.DONE, attempts=1, duration_ms=10.0),
        Outcome(status=Status.DONE, attempts=1, duration_ms=30.0),
        Outcome(status=Status.RETRY, attempts=2, error="odd", delay=timedelta(seconds=60)),
        inbox.PARKED,
    ]
    received = [
        Received(handler=listener.handler, record=record(number), outcome=outcome)
        for number, outcome in enumerate(outcomes, 1)
    ]

    inbox.write(received, seconds=0.1)

    first, second, third, fourth = InboxEntry.objects.order_by("position")
    assert (first.group, first.handler, first.stream) == (
        "listening",
        listener.handler.name,
        "tests",
    )
    assert (first.event_id, first.type, first.key) == (
        uuid.UUID(int=1), "tests.noted.v1", record().key,
    )  # fmt: skip
    assert (first.status, first.attempts, first.duration_ms) == ("done", 1, 40.0)
    assert second.duration_ms == 60.0
    assert (third.status, third.attempts, third.error) == ("retry", 2, "odd")
    assert third.duration_ms is None
    assert third.next_attempt_at is not None
    assert abs(third.next_attempt_at - timezone.now() - timedelta(seconds=60)) < timedelta(
        seconds=20
    )
    assert (fourth.status, fourth.attempts, fourth.ordered) == ("parked", 0, True)
    assert (first.finished_at is None, third.finished_at) == (False, None)


@pytest.mark.parametrize(("seconds", "took"), [(0.001, 10.0), (0.0109, 10.9)])
def test_no_handler_took_less_than_it_took(
    listener: Listener,
    seconds: float,
    took: float,
) -> None:
    done = Outcome(status=Status.DONE, attempts=1, duration_ms=10.0)

    inbox.write(
        [Received(handler=listener.handler, record=record(), outcome=done)], seconds=seconds
    )

    assert InboxEntry.objects.get().duration_ms == pytest.approx(took)


def test_a_batch_in_which_nothing_ran_is_written_too(listener: Listener) -> None:
    inbox.write(
        [Received(handler=listener.handler, record=record(), outcome=inbox.PARKED)], seconds=1
    )

    assert InboxEntry.objects.get().duration_ms is None


def test_a_batch_without_handlers_writes_nothing() -> None:
    with mock.patch.object(inbox, "connection", None):
        inbox.write([], seconds=1)


# One attempt, guarded


def test_a_failure_leaves_nothing_of_it_behind(
    listener: Listener,
    caplog: pytest.LogCaptureFixture,
) -> None:
    @listener.group.on(sample.Noted)
    def spoil(event: sample.Noted) -> None:
        """Write something, then fail."""
        entry(77, "done")
        raise ValueError("odd")

    outcome = inbox.attempt(handler=listener.group.handlers[1], record=record(), attempts=1)

    assert (outcome.status, outcome.attempts, rows()) == (Status.RETRY, 2, [])
    assert outcome.error.endswith("ValueError: odd\n")
    name = listener.group.handlers[1].name
    assert caplog.messages == [f"{name} failed on tests.noted.v1 {record().event_id}"]


def test_guarded_a_handler_has_a_unit_of_work_of_its_own(listener: Listener) -> None:
    assert inbox.attempt(handler=listener.handler, record=record(), attempts=0).status == "done"

    assert listener.units == ["begun", "ended"]
    [(_, meta, running)] = listener.given
    assert (meta, running.actor) == (record().meta(), "ada")


def test_trouble_with_the_infrastructure_burns_no_attempt(listener: Listener) -> None:
    listener.trouble[1] = OperationalError("gone")

    with pytest.raises(OperationalError):
        inbox.attempt(handler=listener.handler, record=record(), attempts=0)


def test_a_deferred_constraint_speaks_up_within_its_handler(listener: Listener) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE parent (id int PRIMARY KEY)")
        cursor.execute(
            "CREATE TEMP TABLE child (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"
        )

    @listener.group.on(sample.Noted)
    def orphan(event: sample.Noted) -> None:
        """Write a child without a parent."""
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO child VALUES (1)")

    outcome = inbox.attempt(handler=listener.group.handlers[1], record=record(), attempts=0)
    assert outcome.status == Status.RETRY

    inbox.attempt(handler=listener.handler, record=record(), attempts=0)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO child VALUES (1)")  # is deferred again
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DELETE FROM child")


# One delivery


def test_a_new_group_begins_where_it_was_declared_to(listener: Listener) -> None:
    laid_out(1, 2)
    assert delivery.ensure_cursor(group=listener.group, stream="tests") == 0

    listener.group.start, listener.group.name = "now", "late"
    assert delivery.ensure_cursor(group=listener.group, stream="tests") == 2
    assert delivery.ensure_cursor(group=listener.group, stream="empty") == 0

    found = Cursor.objects.order_by("id").values_list("group", "stream", "position", "started_from")
    assert list(found) == [
        ("listening", "tests", 0, 0), ("late", "tests", 2, 2), ("late", "empty", 0, 0),
    ]  # fmt: skip


def test_a_group_that_has_a_place_keeps_it(listener: Listener) -> None:
    laid_out(1, 2)
    place(position=1)

    assert delivery.ensure_cursor(group=listener.group, stream="tests") == 1


def test_what_comes_next_is_read_from_the_log_and_the_cursor_moved(
    listener: Listener,
    reached: list[str],
) -> None:
    laid_out(1, 2, 3)
    here, elsewhere = place(position=1), place(group="another")

    progress = deliver(listener)

    assert progress == Progress(position=3, epoch=EPOCH, busy=False, active=True, delivered=2)
    assert listener.numbers == [2, 3]
    assert rows() == [(2, "done"), (3, "done")]
    here.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (here.position, elsewhere.position) == (3, 0)
    assert listener.units == ["begun", "ended"]
    assert reached == [
        "consumer.locked", "consumer.handled", "consumer.handled", "consumer.recorded",
        "consumer.moved", "consumer.committed",
    ]  # fmt: skip


def test_where_nothing_is_new_nothing_happens(
    listener: Listener,
    reached: list[str],
) -> None:
    laid_out(1)
    place(position=1)

    progress = deliver(listener)

    assert progress == Progress(position=1, epoch=EPOCH, busy=False, active=True, delivered=0)
    assert (listener.numbers, listener.units, reached) == ([], [], ["consumer.locked"])


def test_no_more_than_the_limit_is_taken_and_the_group_is_busy(
    listener: Listener,
) -> None:
    laid_out(*range(1, 5))
    place()

    assert deliver(listener, limit=3) == Progress(position=3, epoch=EPOCH, busy=True, delivered=3)
    offer = Offer(epoch=EPOCH, records=[record(4)])
    assert deliver(listener, offer, limit=3).position == 4


def test_a_group_takes_a_hundred_at_a_time(listener: Listener) -> None:
    laid_out(*range(1, 102))
    place()

    assert deliver(listener).position == 100


@pytest.mark.parametrize("paused", [True, False], ids=["paused", "no place"])
def test_who_does_not_hold_the_place_leaves_it_alone(
    listener: Listener,
    reached: list[str],
    paused: bool,
) -> None:
    laid_out(1, 2, 3)
    if paused:
        place(paused=True, position=2)

    progress = deliver(listener, Offer(epoch="", after=1))

    position = 2 if paused else 1
    assert progress == Progress(position=position, epoch=EPOCH, busy=False, active=False)
    assert (listener.numbers, rows(), reached) == ([], [], [])


def test_what_redis_offers_is_taken_without_a_look_into_the_log(
    listener: Listener,
) -> None:
    laid_out(1, 2, 3)
    place(position=1)
    offer = Offer(epoch=EPOCH, records=[record(n) for n in (1, 2, 3)])

    with mock.patch.object(log, "read", side_effect=AssertionError("the log was read")):
        assert deliver(listener, offer, limit=1).position == 2
        assert deliver(listener, offer).position == 3

    assert listener.numbers == [2, 3]


@pytest.mark.parametrize(
    ("offer", "taken"),
    [
        (Offer(epoch="another", records=[record(2), record(3)]), [2, 3]),
        (Offer(epoch=EPOCH, records=[record(3)]), [2, 3]),
        (Offer(epoch=EPOCH, records=[record(1)]), [2, 3]),
        (Offer(epoch=EPOCH, records=[record(2), record(4)]), [2]),
        (Offer(epoch=EPOCH, records=[record(2), record(3), record(4)]), [2, 3]),
    ],
    ids=["of another life", "with a hole at the beginning", "too old", "with a hole", "too far"],
)
def test_of_an_offer_only_what_follows_without_a_hole_is_believed(
    listener: Listener,
    offer: Offer,
    taken: list[int],
) -> None:
    laid_out(1, 2, 3)
    place(position=1)

    progress = deliver(listener, offer)

    assert listener.numbers == taken
    assert progress.position == taken[-1]


def test_a_log_that_lacks_the_next_event_stops_the_group(listener: Listener) -> None:
    laid_out(2, 3)
    place()

    with pytest.raises(delivery.LogPruned) as pruned:
        deliver(listener)
    assert str(pruned.value) == "tests has nothing at 1, though it goes on to 3"

    OutboxEntry.objects.all().delete()
    with pytest.raises(delivery.LogPruned):
        deliver(listener)


def test_an_earlier_event_of_the_key_parks_what_follows(listener: Listener) -> None:
    laid_out(1, 2)
    place(position=1)
    entry(1, "dead")

    deliver(listener)
    assert (listener.numbers, rows()) == ([], [(1, "dead"), (2, "parked")])


def test_so_does_one_whose_key_was_not_offered(listener: Listener) -> None:
    laid_out(1, 2)
    place(position=1)
    entry(1, "dead")

    deliver(listener, Offer(epoch="", records=[record(9, key="another")]))

    assert rows()[1] == (2, "parked")


def test_who_fails_in_a_batch_fails_alone(listener: Listener) -> None:
    laid_out(1, 2)
    place()
    listener.trouble[1] = ValueError("odd")
    OutboxEntry.objects.filter(position=2).update(key="another")

    assert deliver(listener).position == 2

    assert rows() == [(1, "retry"), (2, "done")]
    assert listener.numbers == [1, 1, 2]


def test_a_batch_ends_after_the_event_in_hand_when_it_is_to_stop(
    listener: Listener,
) -> None:
    laid_out(1, 2)
    place()

    progress = deliver(listener, stopping=lambda: True)

    assert progress == Progress(position=1, epoch=EPOCH, busy=True, delivered=1)


@pytest.mark.parametrize(("seconds", "handled"), [(0.9, 3), (1.0, 3), (1.1, 1)])
def test_a_batch_ends_before_it_holds_the_place_for_long(
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    handled: int,
) -> None:
    laid_out(1, 2, 3)
    place()
    moments = iter([100.0, *[100.0 + seconds] * 5])
    monkeypatch.setattr(
        delivery, "time", mock.Mock(monotonic=lambda: next(moments), perf_counter=lambda: 0.0)
    )

    assert deliver(listener).position == handled


def test_the_time_of_the_whole_batch_is_shared_out(
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    laid_out(1)
    place()
    moments = iter([5.0, 7.0])
    monkeypatch.setattr(
        delivery, "time", mock.Mock(monotonic=lambda: 0.0, perf_counter=lambda: next(moments))
    )

    deliver(listener)

    assert InboxEntry.objects.get().duration_ms == pytest.approx(2000)


def test_guarded_the_batch_as_a_whole_has_no_unit_of_work(listener: Listener) -> None:
    laid_out(1)
    place()
    listener.trouble[1] = ValueError("odd")

    deliver(listener)

    assert listener.units == ["begun", "begun"]


# Second attempts


def mine(listener: Listener, number: int, status: str, **fields: Any) -> InboxEntry:
    return entry(number, status, **{"handler": listener.handler.name, **fields})


def test_what_is_due_is_tried_again_in_the_order_in_which_it_became_due(
    listener: Listener,
) -> None:
    laid_out(1, 2, 3, 4)
    place(position=4)
    now = timezone.now()
    for number, ago in [(3, 5), (2, 9), (1, 5)]:
        mine(
            listener, number, "retry", key=str(number), next_attempt_at=now - timedelta(seconds=ago)
        )
    mine(listener, 4, "retry", key="4", next_attempt_at=now + timedelta(hours=1))

    progress = deliver(listener)

    assert listener.numbers == [2, 1, 3]
    assert progress == Progress(position=4, epoch=EPOCH, busy=False, delivered=0)
    done = InboxEntry.objects.get(position=1)
    assert (done.status, done.attempts, done.error) == ("done", 2, "")
    assert done.finished_at is not None


def test_so_many_second_attempts_are_made_at_once(
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    reached: list[str],
) -> None:
    laid_out(1, 2, 3)
    place(position=3)
    for number in (1, 2, 3):
        mine(listener, number, "retry", key=str(number))

    assert retries.run_due(group=listener.group, stream="another") == 0
    assert retries.run_due(group=listener.group, stream="tests", limit=2) == 2
    assert reached == ["retry.attempted"] * 2
    assert retries.run_due(group=listener.group, stream="tests", limit=2) == 1
    assert retries.run_due(group=listener.group, stream="tests") == 0


def test_a_group_with_more_second_attempts_to_make_is_busy(
    listener: Listener,
) -> None:
    laid_out(*range(1, 52))
    place(position=51)
    for number in range(1, 52):
        mine(listener, number, "retry", key=str(number))

    assert deliver(listener).busy
    assert len(listener.numbers) == 50
    assert not deliver(listener).busy


def test_what_another_group_has_to_try_again_is_left_to_it(listener: Listener) -> None:
    laid_out(1)
    mine(listener, 1, "retry", group="another")

    assert retries.run_due(group=listener.group, stream="tests") == 0
    assert listener.numbers == []


def test_what_waited_behind_it_follows_at_once_and_frees_its_key(listener: Listener) -> None:
    laid_out(1, 2, 3, 4)
    place(position=3)
    mine(listener, 1, "retry")
    mine(listener, 2, "parked")
    mine(listener, 3, "parked")

    deliver(listener)

    assert listener.numbers == [1, 2, 3, 4]
    assert {status for _, status in rows()} == {"done"}


def test_a_second_failure_waits_again_and_keeps_its_key_blocked(listener: Listener) -> None:
    laid_out(1, 2)
    place(position=1)
    mine(listener, 1, "retry")
    listener.trouble[1] = ValueError("odd")

    deliver(listener)

    first = InboxEntry.objects.get(position=1)
    assert (first.status, first.attempts) == ("retry", 2)
    assert first.error.endswith("ValueError: odd\n")
    assert first.next_attempt_at is not None
    assert rows()[1] == (2, "parked")


@pytest.mark.parametrize(
    ("numbers", "fields", "error"),
    [
        ((1,), {"handler": "gone"}, "its handler is no longer in the code"),
        ((1,), {"type": "tests.other.v1"}, "its handler is no longer in the code"),
        ((2,), {}, "its handler is no longer in the code"),
        ((), {}, "the log no longer has it"),
    ],
)
def test_what_can_never_be_tried_again_is_dead(
    listener: Listener,
    numbers: tuple[int, ...],
    fields: dict[str, Any],
    error: str,
) -> None:
    if numbers:
        laid_out(*numbers)
    mine(listener, 1, "retry", **fields)
    mine(listener, 2, "parked")

    assert retries.run_due(group=listener.group, stream="tests") == 1

    dead = InboxEntry.objects.get(position=1)
    assert (dead.status, dead.attempts, dead.next_attempt_at) == ("dead", 1, None)
    assert dead.error == error
    assert (listener.numbers, rows()[1]) == ([], (2, "parked"))


def test_an_older_version_of_an_event_has_the_same_handler(listener: Listener) -> None:
    laid_out(1)
    mine(listener, 1, "retry", type="tests.noted.v7")

    assert retries.run_due(group=listener.group, stream="tests") == 1
    assert listener.numbers == [1]


def test_the_name_of_an_event_ends_at_its_version(listener: Listener) -> None:
    asked: list[str] = []
    group = mock.Mock(handlers_of=lambda fact: asked.append(fact) or [listener.handler])
    viewed = InboxEntry(type="tests.viewed.v2", handler=listener.handler.name)

    assert retries._handler(group, viewed) is listener.handler
    assert asked == ["tests.viewed"]


def test_who_does_not_care_for_order_frees_no_key(listener: Listener) -> None:
    laid_out(1, 2)
    mine(listener, 1, "retry", ordered=False)
    mine(listener, 2, "parked")

    retries.run_due(group=listener.group, stream="tests")

    assert rows() == [(1, "done"), (2, "parked")]


@pytest.mark.parametrize(
    ("first", "released"),
    [
        ({"status": "parked"}, True),
        ({"status": "retry", "next_attempt_at": timezone.now() + timedelta(hours=1)}, False),
        ({"status": "dead"}, False),
        ({"status": "parked", "group": "another"}, False),
        ({"status": "parked", "stream": "another"}, False),
        ({"status": "parked", "key": "another"}, False),
    ],
)
def test_only_the_earliest_unsettled_event_of_a_key_is_released(
    first: dict[str, Any], released: bool
) -> None:
    entry(1, "done")
    waiting = entry(2, **first)
    behind = entry(3, "parked", group="third")
    before = waiting.next_attempt_at

    retries.release(group="listening", stream="tests", key=record().key)

    waiting.refresh_from_db()
    behind.refresh_from_db()
    assert waiting.status == ("retry" if released else first["status"])
    assert (waiting.next_attempt_at != before) == released
    assert behind.status == "parked"


def test_what_is_behind_the_earliest_stays_parked() -> None:
    for number in (3, 2, 4):
        entry(number, "parked")
    entry(1, "retry", ordered=False)

    retries.release(group="listening", stream="tests", key=record().key)

    assert rows() == [(3, "parked"), (2, "retry"), (4, "parked"), (1, "retry")]
    assert InboxEntry.objects.get(position=2).next_attempt_at <= timezone.now()


def test_where_nothing_waits_nothing_is_released() -> None:
    retries.release(group="listening", stream="tests", key="nobody's")

    assert rows() == []
