"""A poisoned event blocks only its key; what waited behind it follows in order."""

import uuid

import pytest
from django.db import connection
from django.db.models.functions import Now

from eventbus import deadletters, subscribe, testing
from eventbus.models import InboxEntry, OutboxEntry
from tests.integration.eventbus import sample


def statuses() -> dict[int, str]:
    numbers = dict(OutboxEntry.objects.values_list("event_id", "data__number"))
    return {
        numbers[e]: s
        for e, s in InboxEntry.objects.order_by("id").values_list("event_id", "status")
    }


def deliver() -> None:
    InboxEntry.objects.filter(status="retry").update(next_attempt_at=Now())
    testing.deliver(tolerate_failures=True)


def test_a_poisoned_event_blocks_only_its_own_key(bus):
    poisoned, healthy = uuid.uuid4(), uuid.uuid4()
    sample.poison.add(1)
    sample.say(poisoned, 1, 2)
    sample.say(healthy, 3)

    testing.deliver(tolerate_failures=True)

    assert sample.effects() == [3]
    assert statuses() == {1: "retry", 2: "parked", 3: "done"}


def test_parked_events_follow_in_order_once_the_first_succeeds(bus, subject):
    sample.poison.add(1)
    sample.say(subject, 1, 2, 3)
    testing.deliver(tolerate_failures=True)
    sample.say(subject, 4)
    testing.deliver(tolerate_failures=True)
    sample.poison.clear()

    deliver()

    assert sample.effects() == [1, 2, 3, 4]
    assert set(statuses().values()) == {"done"}


def test_an_event_is_dead_after_its_attempts_and_keeps_its_key_blocked(bus, subject):
    sample.poison.add(1)
    sample.say(subject, 1)
    for _ in range(5):
        deliver()
    sample.say(subject, 2)

    deliver()

    dead = InboxEntry.objects.get(status="dead")
    assert dead.attempts == 3
    assert "Poisoned" in dead.error
    assert statuses() == {1: "dead", 2: "parked"}


def test_a_released_event_that_fails_blocks_the_rest_again(bus, subject):
    sample.poison.update({1, 2})
    sample.say(subject, 1, 2, 3)
    testing.deliver(tolerate_failures=True)
    sample.poison.remove(1)

    deliver()

    assert sample.effects() == [1]
    assert statuses() == {1: "done", 2: "retry", 3: "parked"}


@pytest.fixture
def dead_entry(bus, subject) -> InboxEntry:
    """Number 1 is dead, 2 and 3 are parked behind it."""
    sample.poison.add(1)
    sample.say(subject, 1, 2, 3)
    for _ in range(4):
        deliver()
    return InboxEntry.objects.get(status="dead")


def test_an_operator_retries_a_dead_event_and_the_rest_follows(dead_entry):
    sample.poison.clear()

    deadletters.retry(entry_id=dead_entry.pk, actor="ada", reason="fixed in 1.2")
    deliver()

    assert sample.effects() == [1, 2, 3]
    dead_entry.refresh_from_db()
    assert (dead_entry.status, dead_entry.resolved_by, dead_entry.reason) == (
        "done",
        "ada",
        "fixed in 1.2",
    )


def test_an_operator_skips_a_dead_event_and_the_rest_follows(dead_entry):
    deadletters.skip(entry_id=dead_entry.pk, actor="ada", reason="a test booking")
    deliver()

    assert sample.effects() == [2, 3]
    assert statuses() == {1: "skipped", 2: "done", 3: "done"}


def test_a_settlement_needs_a_name_and_a_reason(dead_entry):
    with pytest.raises(deadletters.NotSettled):
        deadletters.skip(entry_id=dead_entry.pk, actor="", reason=" ")


def test_what_is_done_cannot_be_skipped(bus, subject):
    sample.say(subject, 1)
    testing.deliver()

    with pytest.raises(deadletters.NotSettled):
        deadletters.skip(entry_id=InboxEntry.objects.get().pk, actor="ada", reason="why not")


def test_trouble_of_the_infrastructure_burns_no_attempt_and_moves_nothing(relay, consumer, subject):
    sample.unreachable.add(1)
    sample.say(subject, 1)
    relay.relay(stream="tests")

    with pytest.raises(Exception, match="closed the connection"):
        consumer.step()

    assert InboxEntry.objects.count() == 0
    sample.unreachable.clear()
    consumer.step()
    assert InboxEntry.objects.get().attempts == 1


def test_an_event_of_an_unknown_version_is_dead_at_once(bus, subject):
    sample.say(subject, 1, 2)
    OutboxEntry.objects.filter(data__number=1).update(type="tests.noted.v9")

    testing.deliver(tolerate_failures=True)

    assert statuses() == {1: "dead", 2: "parked"}
    assert "nothing leads from" in InboxEntry.objects.get(status="dead").error


def test_data_that_does_not_fit_is_dead_at_once(bus, subject):
    sample.say(subject, 1)
    OutboxEntry.objects.update(data={"number": "many"})

    testing.deliver(tolerate_failures=True)

    assert InboxEntry.objects.get().status == "dead"


@pytest.fixture
def unordered_group():
    """A second group whose handler does not care for order."""
    group = subscribe.Group("unordered", streams=["tests"], start="beginning")
    seen: list[int] = []

    @group.on(sample.Noted, order="none", retry=sample.THREE_TIMES)
    def see(event: sample.Noted) -> None:
        """Remember the number, if it is even."""
        if event.number % 2:
            raise sample.Poisoned(event.number)
        seen.append(event.number)

    yield seen
    del subscribe.GROUPS["unordered"]


def test_an_unordered_handler_neither_waits_nor_blocks(bus, unordered_group, subject):
    sample.say(subject, 1, 2, 4)

    testing.deliver(tolerate_failures=True)

    assert unordered_group == [2, 4]
    assert InboxEntry.objects.get(group="unordered", status="retry").ordered is False


def test_groups_do_not_hold_each_other_up(bus, unordered_group, subject):
    sample.poison.add(2)
    sample.say(subject, 2, 4)

    testing.deliver(tolerate_failures=True)

    assert unordered_group == [2, 4]
    assert sample.effects() == []


@pytest.fixture
def breaking_a_deferred_constraint():
    """A handler whose mistake PostgreSQL would only notice at the commit."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE sample_parent (id int PRIMARY KEY)")
        cursor.execute(
            "CREATE TABLE sample_child (parent int REFERENCES sample_parent DEFERRABLE INITIALLY DEFERRED)"
        )
    group = subscribe.Group("careless", streams=["tests"], start="beginning")

    @group.on(sample.Noted)
    def orphan(event: sample.Noted) -> None:
        """Write a child without a parent."""
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO sample_child VALUES (%s)", [event.number])

    yield
    del subscribe.GROUPS["careless"]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE sample_child, sample_parent")


def test_a_deferred_constraint_fails_its_handler_and_not_the_batch(
    bus, breaking_a_deferred_constraint, subject
):
    sample.say(subject, 1)

    testing.deliver(tolerate_failures=True)

    assert InboxEntry.objects.get(group="careless").status == "retry"
    assert InboxEntry.objects.get(group="sample").status == "done"


def test_the_same_event_delivered_twice_has_one_effect(bus, subject):
    sample.say(subject, 1, 2)

    testing.deliver(times=2)

    assert sample.effects() == [1, 2]


def test_deliver_fails_the_test_when_a_handler_fails(bus, subject):
    sample.poison.add(1)
    sample.say(subject, 1)

    with pytest.raises(testing.DeliveryFailed, match="Poisoned"):
        testing.deliver()
