"""A part of the crash campaign with every `make test`; `make crash` runs it whole."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SERVERS = ("DATABASE_URL", "REDIS_URL", "EVENTBUS_REDIS_URL")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the harness as `make crash` does, on servers of its own."""
    env = {name: value for name, value in os.environ.items() if name not in SERVERS}
    command = [sys.executable, "-m", "tests.crash", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=280, check=False
    )


def test_a_quick_campaign_finds_nothing() -> None:
    done = run("--quick")

    assert done.returncode == 0, done.stdout + done.stderr
    [passed] = re.findall(r"^(\d+) passed, 0 failed", done.stdout, re.MULTILINE)
    assert int(passed) >= 40
    assert re.search(r"^kill +\d\d cases of \d+ of 2 stories$", done.stdout, re.MULTILINE)
    assert re.search(r"^teeth +3 cases", done.stdout, re.MULTILINE)


def test_a_case_is_repeated_by_its_name_and_says_what_is_violated() -> None:
    done = run("--case", "compensation-gives-up!cancel-fails-once/none")

    assert done.returncode == 1
    assert "I3 failed, and 1 bookings stand" in done.stdout
