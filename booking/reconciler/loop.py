"""The reconciler beside the sweeper: in a thread of its own, so that a slow partner never holds a saga up."""

import logging
import threading
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction

from booking.models import Reconciliation
from booking.orchestrator import store
from booking.reconciler.reconciliation import RECONCILERS, Report, reconcile
from booking.reconciler.survey import Window

logger = logging.getLogger(__name__)

FULL_EVERY: Final = timedelta(days=1)
FULL_WINDOW: Final = timedelta(days=8)
"""A card authorisation lasts a week at most: what was opened before can no longer be taken."""
AHEAD: Final = timedelta(minutes=5)
"""How far the other side's clock may be ahead of ours."""


class Reconciler:
    """Reconciles every `RECONCILE_SECONDS` until told to stop; of several processes one at a time."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._stopped = threading.Event()
        # A daemon: whoever stops the process need not wait for a partner.
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        """Begin, after a first pause."""
        self._thread.start()

    def stop(self, *, seconds: float = 2.0) -> None:
        """Stop; wait a moment for what is being done. Killing it is safe, too."""
        self._stopped.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopped.wait(settings.RECONCILE_SECONDS):
            try:
                close_old_connections()
                run_if_due()
            except (DatabaseError, InterfaceError):
                logger.warning("not reconciled: the database is away", exc_info=True)
                connection.close()
            except Exception:
                logger.exception("not reconciled: the next run will come")
                connection.close()


def run_if_due() -> Report | None:
    """Reconcile unless somebody has done so within the period; the whole window once a day."""
    now = store.now()
    begun = _begin(now)
    if begun is None:
        return None
    window = Window(since=begun.since, until=now + AHEAD)
    report = reconcile(window, heal=True, seconds=settings.RECONCILE_SECONDS)
    if left := len(report.not_reached):
        logger.warning("%s reservations were not looked at: no time was left", left)
    begun.examined, begun.found = report.examined, len(report.found)
    begun.taken_back, begun.silent = len(report.taking_back), report.silent
    begun.finished_at = store.now()
    begun.save()
    return report


def _begin(now: datetime) -> Reconciliation | None:
    """Write down that a run begins, unless another has begun a moment ago."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [RECONCILERS])
        # A little less than the period, so that a clock's jitter does not leave one out.
        lately = now - timedelta(seconds=settings.RECONCILE_SECONDS * 0.9)
        if Reconciliation.objects.filter(started_at__gt=lately).exists():
            return None
        done = Reconciliation.objects.filter(full=True, finished_at__isnull=False)
        full = not done.filter(started_at__gt=now - FULL_EVERY).exists()
        short = timedelta(seconds=settings.RECONCILE_WINDOW_SECONDS)
        since = now - (FULL_WINDOW if full else short)
        return Reconciliation.objects.create(full=full, since=since, started_at=now)
