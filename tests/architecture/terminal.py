"""A terminal in which somebody types what the documents show."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.architecture.documents import ROOT

OF_THE_TESTS: Final = re.compile(
    r"^(DATABASE_URL|REDIS_URL|EVENTBUS_REDIS_URL|API_RATE_FACTOR|DJANGO_\w+|MAKE\w*|MFLAGS|PYTEST_\w+|COV\w*)$"
)
"""Variables that somebody who has just opened a terminal does not have."""

CURL: Final = """#!{python}
# Stands for curl: -s, -X, -H and -d as the pages use them.
import argparse, httpx
parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("-s", action="store_true")
parser.add_argument("-X", dest="method")
parser.add_argument("-H", dest="headers", action="append", default=[])
parser.add_argument("-d", dest="data")
asked = parser.parse_args()
method = asked.method or ("POST" if asked.data else "GET")
headers = dict(line.split(": ", 1) for line in asked.headers)
answer = httpx.request(method, asked.url, headers=headers, content=asked.data, timeout=30)
print(answer.raise_for_status().text)
"""
UUIDGEN: Final = f"#!/bin/sh\necho {uuid.uuid4()}\n"


def give(line: str, *, cwd: Path = ROOT, seconds: int = 300, status: int = 0, **env: str) -> str:
    """Type one command, as it is shown, and return what it printed.

    Raises:
        AssertionError: it ended with another status, or not within the seconds.
    """
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=cwd,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == status, f"$ {line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@contextmanager
def begin(line: str, *, cwd: Path = ROOT, **env: str) -> Iterator[Path]:
    """Type a command that goes on; yield the file with what it prints. It is killed at the end if it still runs."""
    with tempfile.NamedTemporaryFile(prefix="travel-terminal-") as log:
        process = subprocess.Popen(
            ["bash", "-c", line],
            cwd=cwd,
            env=environment(**env),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Path(log.name)
            process.wait(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(timeout=60)


def stand_ins(directory: Path) -> str:
    """Put `curl` and `uuidgen`, which not every machine has, into a folder; return a path that begins with it."""
    for name, text in (("curl", CURL.format(python=sys.executable)), ("uuidgen", UUIDGEN)):
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


def environment(**env: str) -> dict[str, str]:
    """Return what a terminal has: `.venv/bin` on the path, nothing of the tests that are running."""
    kept = {name: value for name, value in os.environ.items() if not OF_THE_TESTS.match(name)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, **env}
