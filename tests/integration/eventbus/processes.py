"""Processes on the test's own database and Redis."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[3]
WORKER = "tests.integration.eventbus.worker"


def environment(*paths: Path, **variables: str) -> dict[str, str]:
    """Return an environment that leads to what the running test uses; `paths` can be imported from."""
    database = connection.settings_dict
    credentials = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    searched = [*map(str, paths), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "DATABASE_URL": f"postgres://{credentials}/{database['NAME']}",
        "EVENTBUS_REDIS_URL": settings.EVENTBUS_REDIS_URL,
        "PYTHONPATH": os.pathsep.join(searched),
        **variables,
    }


class Processes:
    """Started processes, killed at the end if they still run."""

    def __init__(self, env: dict[str, str], module: str = WORKER) -> None:
        self._env = env
        self._module = module
        self._started: list[subprocess.Popen] = []

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen:
        """Start `manage.py eventbus …` and the like, with further environment variables."""
        process = subprocess.Popen(
            [sys.executable, "-m", self._module, *arguments],
            env=self._env | variables,
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        self._started.append(process)
        return process

    def run(self, *arguments: str) -> str:
        """Run one command to its end; return what it printed, fail if it failed."""
        done = subprocess.run(
            [sys.executable, "-m", self._module, *arguments],
            env=self._env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kill(self) -> None:
        """End whatever still runs."""
        for process in self._started:
            process.kill()
            process.wait()
