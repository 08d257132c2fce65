"""Money after faults: nobody is locked out of paying, nothing is taken or given back twice. Found by review."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection

from booking import tasks
from booking.orchestrator import calls, control, engine
from booking.orchestrator.models import SagaInstance, SagaStep
from booking.orchestrator.shape import StepState
from outbound import http
from outbound.call import Call, NotSent
from outbound.deadline import Deadline
from payments import services as payments
from payments.gateways.protocol import Intent, IntentState, UnexpectedAnswer
from payments.gateways.registry import gateway
from payments.gateways.stripe import StripeGateway
from payments.returning import VoidRequest
from providers import refusals
from providers.gateways.network import KeyedGateway, ReferenceGateway
from reservation import services as reservation
from tests import workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("partners")]


def forward(seconds):
    """Move the database's clock of this session ahead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('booking.clock_offset', %s, false)", [f"{seconds} seconds"]
        )


@pytest.fixture(autouse=True)
def _nobody_works(monkeypatch) -> Iterator[None]:
    """Let the test be the only worker, and put the clock right again."""
    monkeypatch.setattr(tasks, "dispatch", lambda saga_id: True)
    yield
    forward(0)


def saga_about(reservation_id):
    return SagaInstance.objects.filter(subject_id=reservation_id).latest("created_at")


def run(reservation_id, at_most=80, offset=0.0):
    """Advance the newest saga, moving the clock, until it ends or is parked."""
    saga = saga_about(reservation_id)
    for _ in range(at_most):
        engine.advance(saga.pk)
        saga.refresh_from_db()
        if saga.finished_at or saga.attention_reason:
            return saga
        offset += 10
        forward(offset)
    raise AssertionError(list(saga.calls.values()))


def confirmed(ada):
    page = ada.composed(card="pm_card_visa")
    rid = uuid.UUID(page["id"])
    ada.send(f"reservations/{rid}/confirm", key="k1")
    assert run(rid).state == "completed"
    forward(0)
    return rid, Decimal(page["amount"])


def test_after_an_outage_of_the_card_processor_the_trip_can_be_paid_for_again(ada, monkeypatch):
    page = ada.composed(card="pm_card_visa")
    rid = uuid.UUID(page["id"])
    ada.send(f"reservations/{rid}/confirm", key="k1")

    def down(self, **kwargs):
        raise NotSent("connection refused")

    with monkeypatch.context() as outage:
        outage.setattr(StripeGateway, "confirm", down)
        outage.setattr(StripeGateway, "retrieve", down)
        saga = run(rid)
    forward(0)
    assert (saga.state, saga.reason) == ("failed", "retries_exhausted")

    answer = ada.send(f"reservations/{rid}/payment", {"method": "pm_card_visa"}, method="put")

    assert answer.status_code == 200, answer.json()


def test_cancelling_while_the_card_processor_is_unreachable_leaves_the_payment_replaceable(
    ada, monkeypatch
):

    page = ada.composed(card="pm_card_visa")
    rid = uuid.UUID(page["id"])
    ada.send(f"reservations/{rid}/confirm", key="k1")

    def down(self, **kwargs):
        raise NotSent("connection refused")

    with monkeypatch.context() as outage:
        outage.setattr(StripeGateway, "confirm", down)
        engine.advance(SagaInstance.objects.get(subject_id=rid).pk)
    ada.send(f"reservations/{rid}/cancel", key="k2")
    saga = run(rid)

    assert saga.state == "cancelled"
    assert payments.payment_of(reservation_id=rid).status in {"ready", "voided"}


def test_after_the_processor_answered_500_for_minutes_the_trip_can_be_paid_again(ada, monkeypatch):

    page = ada.composed(card="pm_card_visa")
    rid = uuid.UUID(page["id"])
    ada.send(f"reservations/{rid}/confirm", key="k1")

    def broken(self, **kwargs):
        raise UnexpectedAnswer("APIError 500")

    with monkeypatch.context() as outage:
        outage.setattr(StripeGateway, "confirm", broken)
        saga = run(rid)
    forward(0)
    assert saga.state == "failed"

    answer = ada.send(f"reservations/{rid}/payment", {"method": "pm_card_visa"}, method="put")

    assert answer.status_code == 200, (
        answer.json(),
        SagaStep.objects.filter(saga=saga, step="authorise").values(),
    )


def test_an_annulment_is_not_believed_while_the_payment_is_processing(ada, monkeypatch):

    processing = Intent(
        id="pi_1",
        state=IntentState.PROCESSING,
        amount=Decimal(1),
        currency="EUR",
        capturable_amount=Decimal(0),
        captured_amount=Decimal(0),
    )
    monkeypatch.setattr(StripeGateway, "retrieve", lambda self, **kw: processing)
    monkeypatch.setattr(StripeGateway, "cancel", lambda self, **kw: processing)
    call = Call(
        saga_id=uuid.uuid4(),
        subject_id=uuid.uuid4(),
        step="capture",
        key="k",
        now=datetime.now(UTC),
    )

    with pytest.raises(UnexpectedAnswer):
        payments.Annul().call(VoidRequest(intent_id="pi_1"), call)


def test_a_cancellation_keeps_asking_for_a_person_when_one_leg_cannot_be_reached(ada, monkeypatch):

    page = ada.composed(ada.offer(), ada.offer(kind="stay"), card="pm_card_visa")
    rid = uuid.UUID(page["id"])
    ada.send(f"reservations/{rid}/confirm", key="k1")
    assert run(rid).state == "completed"
    forward(0)
    ada.send(f"reservations/{rid}/cancel", key="k2")
    for kind in (KeyedGateway, ReferenceGateway):
        real = kind.cancel

        def cancel(self, *, partner, real=real, **kwargs):
            if partner.slug in page["items"][1]["offer_id"]:
                raise NotSent("connection refused")
            return real(self, partner=partner, **kwargs)

        monkeypatch.setattr(kind, "cancel", cancel)

    saga = run(rid, at_most=400)

    assert saga.attention_reason


def test_a_refund_that_is_slow_is_not_made_twice(ada, monkeypatch):
    rid, amount = confirmed(ada)
    part = (amount / 4).quantize(Decimal("0.01"))
    currency = payments.payment_of(reservation_id=rid).currency
    monkeypatch.setattr(
        reservation,
        "refund_quote",
        lambda **kw: reservation.RefundQuote(amount=part, currency=currency, items={}),
    )
    ada.send(f"reservations/{rid}/cancel", key="k2")
    saga = saga_about(rid)
    real, slow = StripeGateway.refund, []

    def refund(self, **kwargs):
        if not slow:
            slow.append(kwargs)
            raise http.DeadlineExceeded("POST /v1/refunds")
        return real(self, **kwargs)

    monkeypatch.setattr(StripeGateway, "refund", refund)
    turn = None
    while True:
        turn = workers.turn(saga.pk)
        if isinstance(turn, workers.Claimed):
            if turn.claims[0].call.step == "refund":
                break
            for claim, outcome in calls.make(turn.claims):
                workers.record(saga.pk, claim, outcome)
    [claim] = turn.claims
    outcome = calls.outcome_of(claim)
    forward(settings.SAGA_CALL_SECONDS)  # that is how long it took to give up
    workers.record(saga.pk, claim, outcome)
    forward(settings.SAGA_CALL_SECONDS + 4)  # backoff
    engine.advance(saga.pk)  # asks: absent; sends again
    processor = StripeGateway()
    # 24 s after it was sent the first request is served: the same key, the same refund.
    real(processor, **{**slow[0], "deadline": Deadline.within(5)})
    run(rid, offset=settings.SAGA_CALL_SECONDS + 4)
    intent = SagaStep.objects.get(saga=saga, step="refund").request["intent_id"]
    given = processor.refunds_of(intent_id=intent, deadline=Deadline.within(5))

    assert [(refund.amount) for refund in given] == [part]


def test_a_cancellation_refused_after_an_unanswered_one_has_a_way_out(ada, monkeypatch):
    rid, _ = confirmed(ada)
    words = ["lost"] + ["no"] * 50

    def cancel(self, **kwargs):
        if words.pop(0) == "lost":
            raise http.DeadlineExceeded("DELETE")
        raise refusals.CancelRefused("the order stands")

    for kind in (KeyedGateway, ReferenceGateway):
        monkeypatch.setattr(kind, "cancel", cancel)
    ada.send(f"reservations/{rid}/cancel", key="k2")
    saga = run(rid)

    assert (saga.state, saga.reason) == ("failed", "cancel_refused")
    assert reservation.details(reservation_id=rid).status == "confirmed"


def test_after_an_accepted_loss_the_payment_can_be_replaced(ada, monkeypatch):
    page = ada.composed(ada.offer(product="sold-out"), card="pm_card_visa")
    rid = uuid.UUID(page["id"])
    ada.send(f"reservations/{rid}/confirm", key="k1")

    def down(self, **kwargs):
        raise NotSent("connection refused")

    with monkeypatch.context() as outage:
        outage.setattr(StripeGateway, "cancel", down)
        saga = run(rid)
    assert saga.attention_reason, saga
    intent = SagaStep.objects.get(saga=saga, step="authorise", direction="forward").request
    gateway().cancel(intent_id=intent["intent_id"], deadline=Deadline.within(5))
    control.resolve(
        saga_id=saga.pk,
        step="authorise",
        item="",
        outcome=StepState.DONE,
        actor="o",
        evidence="voided in the dashboard",
    )
    saga = run(rid, offset=1000)
    forward(0)
    assert saga.state == "failed"

    answer = ada.send(f"reservations/{rid}/payment", {"method": "pm_card_visa"}, method="put")

    assert answer.status_code == 200, answer.json()


def test_a_leg_cancelled_by_a_worker_that_died_is_not_told_as_standing(ada, monkeypatch):
    rid, _ = confirmed(ada)
    ada.send(f"reservations/{rid}/cancel", key="k2")
    saga, offset = saga_about(rid), 0.0

    def down(self, **kwargs):
        raise NotSent("connection refused")

    with monkeypatch.context() as outage:
        for kind in (KeyedGateway, ReferenceGateway):
            outage.setattr(kind, "cancel", down)
        while SagaStep.objects.get(saga=saga, step="cancel").tries < 7:
            engine.advance(saga.pk)
            offset += 10
            forward(offset)
    # The line is back: the eighth try arrives, and its worker is killed.
    while not isinstance(turn := workers.turn(saga.pk), workers.Claimed):
        offset += 10
        forward(offset)
    assert isinstance(calls.outcome_of(turn.claims[0]), calls.Answered)
    forward(offset + 31)

    saga = run(rid, offset=offset + 31)

    assert saga.state == "completed"
    assert reservation.details(reservation_id=rid).status == "cancelled"
