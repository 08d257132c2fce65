"""The chaos run itself, short: that it runs, that it is survived, and that it leaves no process behind."""

import json
import os
import subprocess
import sys

import pytest

from devstack import leftovers
from devstack.binaries import PROJECT


@pytest.mark.stack
def test_a_short_run_violates_nothing(tmp_path):
    limits = ["--quiescence", "150", "--resumption", "40"]  # other tests use the machine, too
    options = ["--seed", "3", "--minutes", "0.2", "--calm", "2", "--travellers", "5", *limits]

    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options, "--directory", str(tmp_path), "--json"],
        cwd=PROJECT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["violations"] == 0
    assert found["kills"] >= 9
    assert found["Redis losses"] == 3
    assert found["PostgreSQL restarts"] == 2
    assert found["trips composed"] > 0
    assert all(strike["proof"] for strike in found["plan"])
    assert leftovers.end_leftovers(directory=tmp_path / "run") == []
