"""Real processes: stopped politely, killed at any moment, started again."""

import random
import signal
import time
import uuid

import pytest

from eventbus.models import Cursor, Heartbeat, InboxEntry, Stream
from tests.integration.eventbus import sample
from tests.patience import until


@pytest.fixture
def start(processes):
    """Start a worker process."""
    return processes.start


@pytest.mark.parametrize("arguments", [("relay",), ("consume", "sample")])
def test_a_worker_shows_signs_of_life_and_stops_when_asked(start, arguments):
    process = start(*arguments)
    until(lambda: Heartbeat.objects.exists(), seconds=30)

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=10) == 0
    assert not Heartbeat.objects.exists()


def test_a_standby_takes_over_from_a_killed_consumer_within_seconds(start, subject):
    start("relay")
    consumers = [start("consume", "sample") for _ in range(3)]
    until(lambda: Heartbeat.objects.count() == 4, seconds=60)
    sample.say(subject, 0)
    until(lambda: sample.effects() == [0], seconds=30)

    for number, victim in enumerate(consumers[:2], start=1):
        victim.kill()
        began = time.monotonic()
        sample.say(subject, number)
        until(lambda number=number: sample.effects()[-1] == number, seconds=30)
        assert time.monotonic() - began < 5

    assert sample.effects() == [0, 1, 2]


def test_processes_that_are_killed_lose_and_double_nothing(start, redis_client):
    subjects = [uuid.uuid4() for _ in range(3)]
    roles = [("relay",), ("relay",), ("consume", "sample"), ("consume", "sample")]
    processes = [start(*role) for role in roles]
    until(lambda: Heartbeat.objects.count() == 4, seconds=60)
    dice = random.Random(7)

    for number in range(400):
        sample.say(subjects[number % 3], number)
        if number % 100 == 60:
            victim = dice.randrange(4)
            processes[victim].kill()
            processes[victim] = start(*roles[victim])
        if number % 150 == 70:
            redis_client.flushdb()
        time.sleep(0.003)

    until(lambda: len(sample.effects()) >= 400, seconds=60)
    assert sample.effects() == list(range(400))
    assert (
        Stream.objects.get(name="tests").head == Cursor.objects.get(group="sample").position == 400
    )
    assert InboxEntry.objects.filter(status="done", attempts=1).count() == 400
