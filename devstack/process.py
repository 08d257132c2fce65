"""One child process: started in its own session, logged to a file, stopped by a signal to its leader."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack import leftovers, spawning
from devstack.readiness import Alive, Probe

_LAST_LINES = 15


class NotReadyError(Exception):
    """A process died, or was not ready in time; the message ends with its last output."""


class Process:
    """A named program under `directory`: its output in `log/<name>.log`, a note of it in `run/`.

    `command` is passed to exec as it is, `user` is a uid to become (root only), `grace` the seconds
    between the stop signal and SIGKILL.
    """

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        directory: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ready: Probe | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace: float = 10.0,
        user: int | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.env = env
        self.cwd = cwd
        self.ready = ready or Alive()
        self.stop_signal = stop_signal
        self.grace = grace
        self.user = user
        self.log = directory / "log" / f"{name}.log"
        self.wanted = False
        self._notes = directory / "run"
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._lock = threading.RLock()

    @property
    def pid(self) -> int:
        """Return the pid of the leader. Raises: ProcessLookupError when it was never started."""
        if self._child is None:
            raise ProcessLookupError(f"{self.name} was not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Tell whether the leader runs now."""
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""
        return None if self._child is None else self._child.poll()

    @property
    def output(self) -> str:
        """Return what it has printed since its last start."""
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")
        return ""

    def start(self, *, wait: bool = True, timeout: float = 60.0) -> None:
        """Start it unless it runs, and wait until it is ready (`timeout` in seconds).

        Raises: NotReadyError.
        """
        with self._lock:
            if not self.running:
                spawning.run_in_spawner(self._launch)
            self.wanted = True  # only now: a supervisor would take it for one that has died
        if wait:
            self.wait_ready(timeout=timeout)

    def revive(self) -> None:
        """Start it again if it should be running and is not, without waiting."""
        with self._lock:
            if self.wanted and not self.running:
                spawning.run_in_spawner(self._launch)

    def wait_ready(self, *, timeout: float = 60.0) -> None:
        """Wait until the probe holds. Raises: NotReadyError."""
        deadline = time.monotonic() + timeout
        while not self.ready.holds(output=self.output):
            if not self.running:
                raise NotReadyError(self._report(f"ended with status {self.returncode}"))
            if time.monotonic() > deadline:
                raise NotReadyError(self._report(f"was not ready within {timeout:.0f} s"))
            time.sleep(0.03)
        if not self.running:
            raise NotReadyError(self._report(f"ended with status {self.returncode}"))

    def ask_to_stop(self) -> None:
        """Send the stop signal to the leader alone: it lets its own children finish their work."""
        with self._lock:
            self.wanted = False
            self.send(self.stop_signal)

    def stop(self) -> int | None:
        """Ask it to stop, wait for the grace, kill what is left, and return the exit status."""
        self.ask_to_stop()
        if self._child is not None:
            try:
                self._child.wait(self.grace)
            except subprocess.TimeoutExpired:
                pass  # killed below
            finally:  # on a second Ctrl-C as well
                self._end()
        return self.returncode

    def kill(self) -> None:
        """Kill it and its children at once, as a power cut would; it stays down until `start`."""
        with self._lock:
            self.wanted = False
            self._end()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the leader, if it runs."""
        with self._lock:
            if self._child is not None and self.running:
                self._child.send_signal(number)

    def _end(self) -> None:
        if self._child is None:
            return
        spawning.end_group(self._child.pid)
        self._child.wait()
        leftovers.forget(directory=self._notes, name=self.name)

    def _launch(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_start = os.fstat(log.fileno()).st_size
            self._child = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=None if self.env is None else dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
                preexec_fn=spawning.on_parent_death(self.stop_signal),
            )
        leftovers.remember(
            directory=self._notes,
            name=self.name,
            pid=self._child.pid,
            stop_signal=self.stop_signal,
        )

    def _report(self, what: str) -> str:
        tail = "\n".join(f"    {line}" for line in self.output.splitlines()[-_LAST_LINES:])
        return f"{self.name} {what}; the end of {self.log}:\n{tail}"
