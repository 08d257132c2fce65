"""Real servers in temporary directories, apart from those that the session has started."""

import os
import subprocess
import sys

import pytest

from devstack import leftovers
from devstack.binaries import PROJECT
from devstack.servers import Servers
from tests import patience


@pytest.fixture
def servers(tmp_path):
    """Servers that a test may kill."""
    with Servers(directory=tmp_path / "servers", throwaway=True, own=True) as running:
        yield running


@pytest.fixture
def until():
    """Poll a condition instead of sleeping."""
    return patience.until


@pytest.fixture
def script():
    """Start a Python program in a session of its own, and end it after the test."""
    started = []

    def start(source, *arguments):
        outside = {"DATABASE_URL", "REDIS_URL", "EVENTBUS_REDIS_URL"}
        env = {name: value for name, value in os.environ.items() if name not in outside}
        child = subprocess.Popen(
            [sys.executable, "-u", "-c", source, *map(str, arguments)],
            env={**env, "PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


@pytest.fixture
def gone():
    """Tell whether no process with this pid is left, zombies aside."""
    return lambda pid: leftovers.started_at(pid) is None
