"""A process that is killed at any named point loses nothing, doubles nothing and changes no order."""

import signal
import uuid

import pytest
from django.db.models.functions import Now

from eventbus import crashpoints, doctor, testing
from eventbus.models import Cursor, InboxEntry, OutboxEntry, Stream
from tests.integration.eventbus import sample
from tests.integration.eventbus.conftest import (
    consuming,
    entry_ids,
    made_relay,
    relaying,
    running,
)
from tests.patience import until

RELAY = [name for name in crashpoints.POINTS if name.startswith("relay.")]
CONSUMER = [name for name in crashpoints.POINTS if name.startswith("consumer.")]
SUBJECTS = [uuid.UUID(int=n) for n in (1, 2, 3)]
NUMBERS = list(range(1, 31))


def crash(processes, *arguments: str, at: str) -> None:
    """Run a worker until it dies at the point."""
    process = processes.start(*arguments, EVENTBUS_CRASH_AT=at, DJANGO_DEBUG="1")
    assert process.wait(timeout=60) == -signal.SIGKILL


def say_all() -> None:
    for number in NUMBERS:
        sample.say(SUBJECTS[number % 3], number)


def assert_everything_happened_once_and_in_order(redis_client) -> None:
    assert sample.effects() == NUMBERS
    assert InboxEntry.objects.filter(status="done", attempts=1).count() == len(NUMBERS)
    assert Stream.objects.get(name="tests").head == len(NUMBERS)
    assert Cursor.objects.get(group="sample").position == len(NUMBERS)
    assert doctor.examine()["streams"][0]["holes_in_log"] == []
    assert entry_ids(redis_client) == [f"{n}-0" for n in NUMBERS]


@pytest.mark.parametrize("point", RELAY)
def test_a_relay_is_killed(processes, redis_client, point):
    say_all()

    crash(processes, "relay", at=f"{point}:1")
    with running(relaying, consuming):
        until(lambda: len(sample.effects()) >= len(NUMBERS))

    assert_everything_happened_once_and_in_order(redis_client)


@pytest.mark.parametrize("point", CONSUMER)
def test_a_consumer_is_killed(processes, redis_client, point):
    say_all()
    made_relay().relay(stream="tests")
    times = 17 if point == "consumer.handled" else 1

    crash(processes, "consume", "sample", at=f"{point}:{times}")
    with running(consuming):
        until(lambda: len(sample.effects()) >= len(NUMBERS))

    assert_everything_happened_once_and_in_order(redis_client)


def test_a_consumer_is_killed_over_a_retry(processes, redis_client):
    sample.poison.add(1)
    sample.say(SUBJECTS[0], 1, 2, 3)
    testing.deliver(tolerate_failures=True)
    sample.poison.clear()
    InboxEntry.objects.filter(status="retry").update(next_attempt_at=Now())

    crash(processes, "consume", "sample", at="retry.attempted:2")
    with running(consuming):
        until(lambda: len(sample.effects()) >= 3)

    assert sample.effects() == [1, 2, 3]
    assert list(InboxEntry.objects.order_by("position").values_list("attempts", flat=True)) == [
        2,
        1,
        1,
    ]


def test_a_publisher_is_killed_before_its_commit(processes):
    process = processes.start(
        "say", str(SUBJECTS[0]), "5", EVENTBUS_CRASH_AT="publish.recorded:3", DJANGO_DEBUG="1"
    )

    assert process.wait(timeout=60) == -signal.SIGKILL
    assert list(OutboxEntry.objects.order_by("id").values_list("data__number", flat=True)) == [0, 1]
