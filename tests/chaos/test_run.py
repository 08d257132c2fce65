"""The chaos run itself, short: that it runs, that it is survived, and that it leaves no process behind."""

import json

import pytest

from devstack import leftovers
from tests.architecture.terminal import give


@pytest.mark.stack
def test_a_short_run_violates_nothing(tmp_path):
    limits = "--quiescence 150 --resumption 40"  # other tests use the machine, too
    options = f"--calm 2 --travellers 5 {limits} --directory {tmp_path} --json"

    said = give(f'make chaos SEED=3 MINUTES=0.2 ARGS="{options}"', seconds=600)

    found = json.loads(said)
    assert found["violations"] == 0
    assert found["kills"] >= 9
    assert found["Redis losses"] == 3
    assert found["PostgreSQL restarts"] == 2
    assert found["trips composed"] > 0
    assert all(strike["proof"] for strike in found["plan"])
    assert leftovers.end_leftovers(directory=tmp_path / "run") == []
