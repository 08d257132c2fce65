"""The chaos run itself, short: that it runs, and that the bus survives it."""

import os
import re
import subprocess
import sys

from tests.integration.eventbus.processes import ROOT


def test_a_short_chaos_run_loses_doubles_and_reorders_nothing():
    options = ["--events", "300", "--rate", "100", "--seconds", "150", "--only-ours"]

    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.bus", "--seed", "7", *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"effects +900\b", done.stdout)
    assert re.search(r"kill a (relay|consumer) +[1-9]", done.stdout)
