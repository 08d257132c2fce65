"""Work that happens later: late bookings and webhooks, kept in the ledger until it is done."""

import threading
import time
from collections.abc import Callable

LONGEST_NAP = 60.0


class Background(threading.Thread):
    """A thread that does what is due, then sleeps until the next thing is due or somebody wakes it."""

    def __init__(
        self, *, name: str, next_due: Callable[[], float | None], run_due: Callable[[], None]
    ) -> None:
        """Name the thread and tell it where its work is; instants are seconds since the epoch."""
        super().__init__(name=name, daemon=True)
        self._next_due = next_due
        self._run_due = run_due
        self._woken = threading.Event()
        self._stopping = False

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping:
            due = self._next_due()
            nap = LONGEST_NAP if due is None else min(due - time.time(), LONGEST_NAP)
            if nap <= 0:
                self._run_due()
            else:
                self._woken.wait(nap)
                self._woken.clear()

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    def stop(self) -> None:
        """Finish what is being done, then end."""
        self._stopping = True
        self._woken.set()
        self.join()
