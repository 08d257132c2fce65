"""Real processes: stopped politely, killed at any moment, started again."""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from django.db import connection

from eventbus.models import Cursor, Heartbeat, InboxEntry, Stream
from tests.integration.eventbus import sample
from tests.integration.eventbus.conftest import until

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def start(bus):
    """Start a worker process on the test's own database; kill at the end what still runs."""
    started: list[subprocess.Popen] = []
    database = connection.settings_dict
    credentials = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    env = os.environ | {
        "DATABASE_URL": f"postgres://{credentials}/{database['NAME']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }

    def start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "tests.integration.eventbus.worker", *arguments]
        process = subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("arguments", [("relay",), ("consume", "sample")])
def test_a_worker_shows_signs_of_life_and_stops_when_asked(start, arguments):
    process = start(*arguments)
    until(lambda: Heartbeat.objects.exists(), seconds=30)

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=10) == 0
    assert not Heartbeat.objects.exists()


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
