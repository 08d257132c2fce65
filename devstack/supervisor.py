"""Keep named processes running: start in stages, restart what dies, stop in reverse order."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devstack.process import Process

_LOOK_EVERY = 0.2
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_FORGIVEN_AFTER = 60.0
Report = Callable[[str], None]


@dataclass
class _Restarts:
    pause: float = _FIRST_PAUSE
    due: float | None = None
    last: float = 0.0


class Supervisor:
    """Processes in order of their start; the last one is stopped first.

    With `restart`, a process that ends without being asked to is started again, after a pause that
    doubles from half a second to thirty. `report` is told about it.
    """

    def __init__(self, *, report: Report, restart: bool) -> None:
        self.processes: dict[str, Process] = {}
        self._report = report
        self._restart = restart
        self._restarts: dict[str, _Restarts] = {}
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None

    def add(self, process: Process) -> None:
        """Take a process under supervision, without starting it."""
        self.processes[process.name] = process
        self._restarts[process.name] = _Restarts()

    def start(self, names: Iterable[str], *, wait: bool = True) -> None:
        """Start all the named processes, then wait until each is ready. Raises: NotReadyError."""
        chosen = [self.processes[name] for name in names]
        for process in chosen:
            process.start(wait=False)
        if wait:
            for process in chosen:
                process.wait_ready()

    def watch(self) -> None:
        """Begin to restart what dies, if asked for."""
        if self._restart and self._watcher is None:
            self._ended.clear()
            self._watcher = threading.Thread(target=self._look, name="supervisor", daemon=True)
            self._watcher.start()

    def stop(self, *, first: Iterable[str] = ()) -> None:
        """Stop everything: those named `first` together, then the others in reverse order.

        All of a wave are asked at once and finish their work side by side. An interrupt (a second
        Ctrl-C) kills whatever still runs.
        """
        self._stop_watching()
        wave = [self.processes[name] for name in first]
        others = [process for process in self.processes.values() if process not in wave]
        try:
            for process in wave:
                process.ask_to_stop()
            for process in [*wave, *reversed(others)]:
                process.stop()
        except BaseException:
            for process in self.processes.values():
                process.kill()
            raise

    def _stop_watching(self) -> None:
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_EVERY):
            for name, process in self.processes.items():
                if process.wanted and not process.running:
                    self._restart_when_due(process, self._restarts[name])

    def _restart_when_due(self, process: Process, restarts: _Restarts) -> None:
        now = time.monotonic()
        if restarts.due is None:
            if now - restarts.last > _FORGIVEN_AFTER:
                restarts.pause = _FIRST_PAUSE
            restarts.due = now + restarts.pause
            status = f"ended with status {process.returncode}"
            self._report(
                f"{process.name} {status}, again in {restarts.pause:.1f} s ({process.log})"
            )
        elif now >= restarts.due:
            process.revive()
            restarts.due, restarts.last = None, now
            restarts.pause = min(restarts.pause * 2, _LONGEST_PAUSE)
