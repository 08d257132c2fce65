"""Run a program to its end, and leave nothing of it when interrupted."""

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack import spawning
from devstack.errors import CannotStartError

_LAST_LINES = 15


class CommandFailedError(CannotStartError):
    """A program that has to succeed did not; the message ends with its last output."""


def run_to_end(
    command: Sequence[str],
    *,
    what: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
) -> str:
    """Run `command` in its own session and return its output.

    An interrupt lets it clean up after itself for five seconds, then kills it with its children.
    Raises: CommandFailedError, whose message begins with `what`.
    """
    started: list[subprocess.Popen[str]] = []
    try:
        spawning.run_in_spawner(
            lambda: started.append(_launch(command, env=env, cwd=cwd, user=user))
        )
        output = started[0].communicate()[0]
    except BaseException:
        for child in started:
            _end(child)
        raise
    if started[0].returncode != 0:
        tail = "\n".join(f"    {line}" for line in output.splitlines()[-_LAST_LINES:])
        raise CommandFailedError(f"{what} failed with status {started[0].returncode}:\n{tail}")
    return output


def _launch(
    command: Sequence[str], *, env: Mapping[str, str] | None, cwd: Path | None, user: int | None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        preexec_fn=spawning.on_parent_death(signal.SIGTERM),
    )


def _end(child: subprocess.Popen[str]) -> None:
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(5)
    spawning.end_group(child.pid)
    child.wait()
