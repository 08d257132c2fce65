"""Two at one saga: whoever writes second is overtaken, writes nothing, and reads again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from booking.orchestrator import calls, control, engine, store
from booking.orchestrator.models import SagaEvent, SagaInstance
from booking.orchestrator.shape import SagaState, StepState
from eventbus.together import Overtaken, write
from outbound.call import Call
from payments.models import Payment
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

    second.afterwards(lambda: write(SagaEvent(saga=saga, at=store.now(), kind="waits")))
    second.afterwards(lambda: SagaEvent.objects.create(saga=saga, at=store.now(), kind="at once"))
    with pytest.raises(Overtaken), transaction.atomic():
        second.save()

    assert rows(saga) == before


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


def test_what_the_database_refuses_of_a_step_is_its_trouble_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saga = start()
    for operation, phase in ((toy.Local, "apply"), (toy.Remote, "prepare")):
        monkeypatch.setattr(operation, phase, lambda self, call: write(a_payment(amount=-1)))
    engine.advance(saga.pk)

    [hold] = saga.calls.filter(step="hold")
    assert (hold.state, hold.tries) == ("pending", 1)
    assert "payment_amount_positive" in hold.error
    monkeypatch.setattr(toy.Local, "apply", lambda self, call: None)
    forward(timedelta(minutes=1))
    engine.advance(saga.pk)

    [authorise] = saga.calls.filter(step="authorise")
    saga.refresh_from_db()
    assert (authorise.state, authorise.tries, saga.attention_reason) == ("pending", 1, None)
    assert "payment_amount_positive" in authorise.error


def a_payment(**fields: Any) -> Payment:
    values: dict[str, Any] = {
        "reservation_id": uuid4(), "account_id": uuid4(), "amount": Decimal(10), "currency": "EUR",
        "method": "pm_x", "gateway_payment_id": "pi_x", "status": "ready", "created_at": store.now(),
    }  # fmt: skip
    return Payment(**values | fields)


def test_who_settles_a_call_while_its_row_is_changed_is_told_to_look_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saga = start()
    toy.WORLD.answers["capture"] = ["lost"] * 50
    parked = run(saga)
    assert parked.attention_reason
    monkeypatch.setattr(toy.Remote, "record", raising_overtaken)
    before = rows(saga)

    with pytest.raises(control.NotResolvable, match="look again"):
        control.resolve(
            saga_id=saga.pk, step="capture", item="", outcome=StepState.DONE, actor="olga",
            evidence="seen", answer={"key": "x"},
        )  # fmt: skip

    assert rows(saga) == before


def raising_overtaken(*given: object) -> None:
    raise Overtaken("a payment")


def test_a_service_whose_row_was_changed_since_it_read_it_reads_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saga = start()
    payment = a_payment()
    payment.save()
    read: list[str] = []

    def apply(self: toy.Local, call: Call) -> None:
        row = Payment.objects.get()
        read.append(row.method_brand)
        if not row.method_brand:  # somebody else is quicker, the first time
            with ThreadPoolExecutor(1) as pool:
                pool.submit(name_the_brand).result()
        row.status = "authorising"
        write(row)

    def name_the_brand() -> None:
        other = Payment.objects.get()
        other.method_brand = "visa"
        other.save()
        connection.close()

    monkeypatch.setattr(toy.Local, "apply", apply)
    worker = engine.Worker(saga.pk)

    assert (worker.turn(), worker.turn()) == ((), ())

    payment.refresh_from_db()
    assert read == ["", "visa"]
    assert (payment.method_brand, payment.status, payment.version) == ("visa", "authorising", 3)
    assert states(saga)["forward hold"] == "done"
    assert SagaEvent.objects.filter(saga=saga, kind="done").count() == 1
