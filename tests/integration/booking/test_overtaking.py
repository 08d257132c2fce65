"""Two at one saga: whoever writes second is overtaken, writes nothing, and reads again."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from booking.orchestrator import calls, control, engine, store
from booking.orchestrator.models import SagaEvent, SagaInstance
from booking.orchestrator.shape import SagaState, StepState
from booking.orchestrator.work import Overtaken
from tests import toy, workers
from tests.integration.booking.test_engine import forward, run, start, states

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    toy.reset()
    yield
    forward(timedelta(0))


def rows(saga: SagaInstance) -> object:
    """Return all that is stored about a saga."""
    return (
        list(SagaInstance.objects.filter(pk=saga.pk).values()),
        list(saga.calls.order_by("id").values()),
        list(SagaEvent.objects.filter(saga=saga).order_by("id").values()),
    )


def test_a_write_on_an_older_reading_writes_nothing() -> None:
    saga = start()
    first, second = store.read(saga.pk), store.read(saga.pk)
    [hold] = first.rows.of("hold")
    for work in (first, second):
        work.settle(hold, state=StepState.DONE, due_at=None)
        work.note("done", hold)
    with transaction.atomic():
        first.save()
    before = rows(saga)

    effects: list[str] = []
    second.afterwards(lambda: effects.append("written"))
    with pytest.raises(Overtaken), transaction.atomic():
        second.save()

    assert rows(saga) == before
    assert effects == []


def test_two_workers_at_once_claim_a_call_once() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    first, second = engine.Worker(saga.pk), engine.Worker(saga.pk)

    claims, late = first.turn(), second.turn()

    assert [claim.id[:2] for claim in claims] == [("book", "flight"), ("book", "hotel")]
    assert late == ()
    assert second.turn() is engine.Progress.STOPPED
    assert {call.tries for call in saga.calls.filter(step="book")} == {1}


def test_a_cancellation_wins_over_a_worker_that_was_about_to_enter_the_pivot() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    engine.advance(saga.pk, link="provider")
    worker = engine.Worker(saga.pk)
    assert worker.turn() == ()  # decided to enter the pivot, nothing is written yet
    control.request_cancel(saga_id=saga.pk)

    worker.advance()

    saga.refresh_from_db()
    assert saga.state == SagaState.CANCELLED
    assert "capture" not in toy.WORLD.calls


def test_a_cancellation_is_too_late_once_the_pivot_is_claimed() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    engine.advance(saga.pk, link="provider")
    worker = engine.Worker(saga.pk)
    while not (claims := worker.turn()):
        pass
    assert isinstance(claims, list)

    with pytest.raises(control.TooLate):
        control.request_cancel(saga_id=saga.pk)

    for claim, outcome in calls.make(claims):
        worker.record(claim, outcome)
    worker.advance()
    saga.refresh_from_db()
    assert saga.state == SagaState.COMPLETED


def test_an_answer_counts_though_somebody_wrote_while_it_was_on_its_way() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    worker = engine.Worker(saga.pk)
    while not (claims := worker.turn()):
        pass
    assert isinstance(claims, list)
    control.request_cancel(saga_id=saga.pk)

    for claim, outcome in calls.make(claims):
        worker.record(claim, outcome)

    assert states(saga)["forward book flight"] == states(saga)["forward book hotel"] == "done"
    assert run(saga).state == SagaState.CANCELLED
    assert not [key for key in toy.WORLD.effects if ":book:" in key and toy.WORLD.stands(key)]


def test_trouble_of_an_overtaken_worker_is_not_recorded() -> None:
    saga = start()
    toy.WORLD.answers["hold"] = ["lost"]
    slow = engine.Worker(saga.pk)
    claimed = workers.turn(saga.pk)  # fails at hold, waits
    assert claimed is engine.Progress.STOPPED
    forward(timedelta(seconds=10))
    fast = engine.Worker(saga.pk)
    assert fast.turn() == ()  # hold is done
    before = rows(saga)
    toy.WORLD.answers["hold"] = ["lost"]

    assert slow.turn() == ()

    assert rows(saga) == before
