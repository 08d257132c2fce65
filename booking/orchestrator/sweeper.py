"""The guarantee of liveness: find due sagas in PostgreSQL, dispatch them, or run them here.

Celery on Redis can lose a message at several points; no setting removes that. So a message is a
hint, and this loop, of which several may run, is what makes every saga end.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from booking.orchestrator import engine, moves, store

logger = logging.getLogger(__name__)

BATCH: Final = 100
THREADS: Final = 4
HINTS: Final = 1
"""After so many dispatches without progress messages are being lost, or nobody takes them: run the saga here."""
GIVE_UP: Final = 12
"""After so many, over half an hour, whatever runs the saga dies of it: a person must look."""


class Sweeper:
    """Sweeps until told to stop. `dispatch(saga_id)` sends the remaining chain; False = the broker is down."""

    def __init__(self, *, dispatch: Callable[[UUID], bool]) -> None:
        """Take the function that sends a saga's remaining chain."""
        self._dispatch = dispatch
        self._stopped = threading.Event()
        self._running: set[UUID] = set()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sweep")

    def stop(self) -> None:
        """Finish what is running and leave `run`; what is only queued stays due for the next sweeper."""
        self._stopped.set()

    def run(self) -> None:
        """Sweep every `SAGA_SWEEP_SECONDS` until stopped; survive a lost database."""
        while not self._stopped.is_set():
            try:
                self.sweep()
            except (DatabaseError, InterfaceError):
                logger.warning("the database is away; trying again", exc_info=True)
                close_old_connections()
            self._stopped.wait(settings.SAGA_SWEEP_SECONDS)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def sweep(self) -> int:
        """Take one batch of due sagas; return how many there were. Once told to stop, leave the rest of it."""
        due = store.due_sagas(limit=BATCH, grace_seconds=settings.SAGA_GRACE_SECONDS)
        for saga_id, dispatches in due:
            if self._stopped.is_set():
                break
            if saga_id in self._running:
                continue
            if dispatches >= GIVE_UP:
                moves.park(saga_id, f"no progress after {dispatches} dispatches: see the logs")
            elif dispatches >= HINTS or not self._sent(saga_id):
                self._run_here(saga_id)
        return len(due)

    def _sent(self, saga_id: UUID) -> bool:
        """Dispatch one saga; one that cannot be dispatched must not stop the others."""
        try:
            return self._dispatch(saga_id)
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            logger.exception("saga %s could not be dispatched", saga_id)
            return False

    def _run_here(self, saga_id: UUID) -> None:
        self._running.add(saga_id)
        self._pool.submit(self._advance, saga_id)

    def _advance(self, saga_id: UUID) -> None:
        try:
            close_old_connections()
            engine.advance(saga_id)
        except Exception:
            logger.exception("saga %s: the sweep will come back", saga_id)
            connection.close()
        finally:
            self._running.discard(saga_id)
