"""The thread beside the sweeper: it goes on after any trouble, and stops when told."""

import threading

from django.db import OperationalError

from booking.reconciler import loop


def test_the_thread_goes_on_after_any_trouble_and_stops_when_told(settings, monkeypatch):
    settings.RECONCILE_SECONDS = 0.01
    troubles = [OperationalError("the database is away"), ValueError("a bug"), None]
    reached, ran = threading.Event(), []

    def run_if_due():
        trouble = troubles[min(len(ran), 2)]
        ran.append(trouble)
        if trouble is not None:
            raise trouble
        reached.set()

    monkeypatch.setattr(loop, "run_if_due", run_if_due)
    reconciler = loop.Reconciler()

    reconciler.start()
    came_through = reached.wait(10)
    reconciler.stop(seconds=10)
    at_the_stop = len(ran)

    assert came_through
    assert [type(trouble) for trouble in ran[:2]] == [OperationalError, ValueError]
    assert not reconciler._thread.is_alive()
    assert len(ran) == at_the_stop


def test_nothing_is_reconciled_before_the_first_pause(settings, monkeypatch):
    settings.RECONCILE_SECONDS = 60
    ran = []
    monkeypatch.setattr(loop, "run_if_due", lambda: ran.append(1))
    reconciler = loop.Reconciler()

    reconciler.start()
    reconciler.stop(seconds=10)

    assert ran == []
    assert not reconciler._thread.is_alive()
