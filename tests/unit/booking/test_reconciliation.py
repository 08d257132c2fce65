"""What the reconciler looks at in the time that it has, and which losses it knows to be accepted."""

import random
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest

from booking.reconciler import loop, reconciliation
from booking.reconciler.survey import Survey, Window
from booking.sagas import CANCEL_RESERVATION, CONFIRM_RESERVATION, TAKE_BACK
from payments import services as payments

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Window(since=NOW, until=NOW)
SUSPECTS = [UUID(int=number) for number in range(1, 21)]


@pytest.fixture
def looked_at(monkeypatch):
    """Return what was examined; each takes a second."""
    looked, clock = [], [0.0]

    def examine(reservation_id, view, report, *, heal, seconds):
        looked.append(reservation_id)
        clock[0] += 1
        return True

    view = Survey(window=WINDOW, suspects=set(SUSPECTS))
    monkeypatch.setattr(reconciliation, "survey", lambda *_, **__: view)
    monkeypatch.setattr(reconciliation, "_examine", examine)
    monkeypatch.setattr(reconciliation.store, "now", lambda: NOW)
    monkeypatch.setattr(reconciliation, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    random.seed(7)
    return looked


def test_of_more_than_there_is_time_for_none_is_always_the_last(looked_at):
    for _ in range(20):
        report = reconciliation.reconcile(WINDOW, heal=True, seconds=5)
        assert len(report.not_reached) == 15

    assert set(looked_at) == set(SUSPECTS)


def test_with_time_enough_everything_is_looked_at_once(looked_at):
    report = reconciliation.reconcile(WINDOW, heal=True, seconds=100)

    assert (sorted(looked_at), report.not_reached) == (SUSPECTS, [])


def test_a_run_that_did_not_come_to_everything_says_so(looked_at, monkeypatch, caplog, settings):
    settings.RECONCILE_SECONDS = 5.0
    begun = SimpleNamespace(since=NOW, save=lambda: None)
    monkeypatch.setattr(loop, "_begin", lambda now: begun)

    loop.run_if_due()

    assert "15 reservations were not looked at: no time was left" in caplog.text


def test_every_step_that_is_a_call_of_the_payments_service_is_known_as_one():
    flows = (CONFIRM_RESERVATION, CANCEL_RESERVATION, TAKE_BACK)
    steps = [step for flow in flows for step in flow.steps.values() if step.each is None]

    of_payments = {one.operation for one in steps if one.operation.__module__[:9] == "payments."}
    assert of_payments == payments.ON_THE_PAYMENT
