"""Pruning: only what is old and settled by everybody, always from the beginning, always in chunks."""

from datetime import timedelta
from io import StringIO
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.db.models import F
from django.db.models.functions import Now

from eventbus import delivery, doctor, numbering, replay, retention, subscribe, testing
from eventbus.models import Cursor, InboxEntry, OutboxEntry, Stream
from tests.integration.eventbus import sample
from tests.integration.eventbus.conftest import (
    entry_ids,
    made_consumer,
    made_relay,
)
from tests.patience import until

MONTH = timedelta(days=30)


def grow_old(*positions: int) -> None:
    OutboxEntry.objects.filter(position__in=positions).update(occurred_at=Now() - 2 * MONTH)


def positions() -> list[int]:
    return list(OutboxEntry.objects.order_by("position").values_list("position", flat=True))


@pytest.fixture
def old_log(bus, subject):
    """Five delivered events, all but the last two months old."""
    sample.say(subject, 1, 2, 3, 4, 5)
    testing.deliver()
    grow_old(1, 2, 3, 4)


def test_what_is_old_and_delivered_goes_with_its_inbox_rows(old_log):
    (done,) = retention.prune(older_than=MONTH, chunk=3)

    assert (done.first, done.last, done.events) == (1, 4, 4)
    assert positions() == [5]
    assert list(InboxEntry.objects.values_list("position", flat=True)) == [5]
    assert Stream.objects.get(name="tests").pruned == 4


def test_a_dry_run_deletes_nothing(old_log):
    (done,) = retention.prune(older_than=MONTH, dry_run=True)

    assert done.events == 4
    assert positions() == [1, 2, 3, 4, 5]


def test_it_goes_in_chunks(old_log):
    with mock.patch("eventbus.retention._delete", wraps=retention._delete) as delete:
        retention.prune(older_than=MONTH, chunk=3)

    assert [call.args[1:] for call in delete.call_args_list] == [(1, 3), (4, 4)]


def test_a_second_run_goes_on_where_the_first_stopped(old_log, subject):
    retention.prune(older_than=MONTH)
    sample.say(subject, 6)
    testing.deliver()
    grow_old(5)

    (done,) = retention.prune(older_than=MONTH)

    assert (done.first, done.last) == (5, 5)
    assert positions() == [6]


def test_a_young_event_keeps_everything_after_it(old_log):
    OutboxEntry.objects.filter(position=2).update(occurred_at=Now())

    retention.prune(older_than=MONTH)

    assert positions() == [2, 3, 4, 5]


def test_the_slowest_group_is_never_passed(old_log):
    Cursor.objects.create(group="another", stream="tests", position=2)

    (done,) = retention.prune(older_than=MONTH)

    assert positions() == [3, 4, 5]
    assert (done.limit, done.held_by) == (2, "group another is there")


def test_a_group_that_has_yet_to_begin_keeps_the_beginning(old_log):
    subscribe.Group("to-come", streams=["tests"], start="beginning")

    try:
        (done,) = retention.prune(older_than=MONTH)
    finally:
        del subscribe.GROUPS["to-come"]

    assert (done.events, done.held_by) == (0, "group to-come is there")


def test_a_stream_that_nobody_reads_is_left_alone(old_log):
    Cursor.objects.all().delete()
    group = subscribe.GROUPS.pop("sample")

    try:
        (done,) = retention.prune(older_than=MONTH)
    finally:
        subscribe.GROUPS["sample"] = group

    assert (done.events, done.held_by) == (0, "no group has read it")


@pytest.mark.parametrize("status", ["retry", "parked", "dead"])
def test_what_waits_is_never_pruned_nor_anything_after_it(old_log, status):
    times = {"next_attempt_at": Now()} if status == "retry" else {}
    InboxEntry.objects.filter(position=3).update(status=status, error="broken", **times)

    (done,) = retention.prune(older_than=MONTH)

    assert positions() == [3, 4, 5]
    assert done.held_by == "an event at 3 is not settled"


def test_the_last_event_stays_however_old_it_is(old_log):
    grow_old(5)

    retention.prune(older_than=MONTH)

    assert positions() == [5]
    with pytest.raises(IntegrityError):
        Stream.objects.update(pruned=F("head"))


def test_the_doctor_is_content_and_says_what_a_late_joiner_would_miss(old_log):
    retention.prune(older_than=MONTH)

    report = doctor.examine()

    assert report["streams"][0]["holes_in_log"] == []
    assert report["notes"] == [
        "Stream tests: a listener that joins now misses positions 1 to 4, which are pruned."
    ]


def test_the_doctor_still_sees_a_hole_right_after_what_was_pruned(old_log, subject):
    sample.say(subject, 6)
    testing.deliver()
    retention.prune(older_than=MONTH)
    OutboxEntry.objects.filter(position=5).delete()

    assert doctor.examine()["streams"][0]["holes_in_log"] == [[5, 5]]


def test_an_emptied_redis_is_filled_again_from_a_pruned_log(old_log, redis_client, subject):
    retention.prune(older_than=MONTH)
    relay = made_relay()

    relay.relay(stream="tests")
    sample.say(subject, 6)
    relay.relay(stream="tests")

    assert entry_ids(redis_client) == ["5-0", "6-0"]


def test_a_late_joiner_stops_until_an_operator_lets_it_go_on(old_log, newcomer):
    retention.prune(older_than=MONTH)
    late = made_consumer(newcomer)

    with pytest.raises(delivery.LogPruned):
        late.step()
    stranded = [line for line in doctor.examine()["problems"] if "is pruned" in line]
    call_command("eventbus", "resume", "newcomer", "--past-pruned", stdout=StringIO())
    late.prepare()
    late.step()

    assert len(stranded) == 1
    assert "resume newcomer --past-pruned" in stranded[0]
    assert sample.effects()[5:] == [5]


@pytest.fixture
def newcomer(settings):
    """A group that was declared after the log was pruned."""
    group = subscribe.Group("newcomer", streams=["tests"], start="beginning")
    group.module = "tests.newcomer"
    group.on(sample.Noted)(sample.note)
    del subscribe.GROUPS["newcomer"]
    yield _Late(group)
    subscribe.GROUPS.pop("newcomer", None)


class _Late:
    """Registers the group only when it is asked for its streams, after the pruning."""

    def __init__(self, group: subscribe.Group) -> None:
        self._group = group

    def __getattr__(self, name: str):
        subscribe.GROUPS["newcomer"] = self._group
        return getattr(self._group, name)


def test_a_replay_of_what_was_pruned_is_refused(old_log):
    retention.prune(older_than=MONTH)

    with pytest.raises(replay.HistoryPruned, match="tests begins at 5"):
        replay.replay(group=sample.listener)

    assert replay.replay(group=sample.listener, first=5)[0].calls == 1


def test_the_command_prunes_and_says_what_holds_it(old_log):
    out = StringIO()

    call_command("eventbus", "prune", "--older-than-days", "30", stdout=out)

    assert out.getvalue().strip() == (
        "tests: deleted 4 events (1-4); no further than 4 now: the last event stays"
    )


@pytest.mark.parametrize("days", ["0", "-3", "many"])
def test_a_horizon_is_a_number_of_days(old_log, days):
    with pytest.raises(CommandError):
        call_command("eventbus", "prune", f"--older-than-days={days}")


def test_delivery_goes_on_while_old_events_are_pruned(old_log, subject):
    relay, consumer = made_relay(), made_consumer()
    for number in range(6, 60):
        sample.say(subject, number)
        relay.relay(stream="tests")
        consumer.step()
        grow_old(*range(number))
        retention.prune(older_than=MONTH, chunk=2)

    until(lambda: sample.effects() == list(range(1, 60)))
    assert numbering.number(stream="tests").tip.head == 59
    assert len(positions()) <= 2
