"""Start children that cannot outlive this program: own session, and a signal from the kernel if this program dies."""

import concurrent.futures
import contextlib
import ctypes
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_jobs: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
_owner: list[int] = []


def run_in_spawner(function: Callable[[], Result]) -> Result:
    """Call `function` in the thread that lives as long as this program, and return its result.

    The kernel sends the death signal when the *thread* that forked ends, so a child must not be
    started from a passing thread. An interrupt is held back until `function` has returned: a child
    that was started is always known to whoever stops it.
    """
    _ensure_spawner()
    future: concurrent.futures.Future[Result] = concurrent.futures.Future()

    def job() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            future.set_exception(error)

    _jobs.put(job)
    try:
        return future.result()
    except BaseException:
        concurrent.futures.wait([future])
        raise


def on_parent_death(death_signal: signal.Signals) -> Callable[[], None]:
    """Return what the child calls before exec, so that the kernel signals it when its parent dies.

    Linux only; elsewhere the process files in `run/` let the next start end the leftovers.
    """
    parent = os.getpid()

    def ask_kernel() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return ask_kernel


def end_group(pid: int) -> None:
    """Kill the whole process group of a child that leads its own session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _ensure_spawner() -> None:
    if _owner != [os.getpid()]:  # none yet, or lost in a fork
        _owner[:] = [os.getpid()]
        threading.Thread(target=_work, name="spawner", daemon=True).start()


def _work() -> None:
    while True:
        _jobs.get()()
