"""What a person settles by hand stands in the services' books, as if the other side had answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from booking.orchestrator import control
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.shape import StepState
from payments.gateways.stripe import StripeGateway
from payments.models import Payment
from providers.gateways.network import BlindGateway
from providers.models import Order
from reservation import services as reservation
from tests.integration.booking.ledgers import audit, sandbox, told  # noqa: F401 - one is a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def resolve(saga: SagaInstance, step: str, item: str = "", **more: Any) -> None:
    control.resolve(
        saga_id=saga.pk, step=step, item=item, outcome=StepState.DONE, actor="olga",
        evidence="ticket 4711", **more,
    )  # fmt: skip


def newest(reservation_id: UUID) -> SagaInstance:
    return SagaInstance.objects.filter(subject_id=reservation_id).latest("created_at")


@contextmanager
def unanswered(*names: str) -> Iterator[None]:
    """Let the card processor do what it is asked and say nothing."""
    with pytest.MonkeyPatch.context() as outage:
        for name in names:
            real = getattr(StripeGateway, name)

            def silent(self: Any, *, _real: Any = real, **asked: Any) -> None:
                _real(self, **asked)
                raise TimeoutError

            outage.setattr(StripeGateway, name, silent)
        yield


def test_a_payment_that_a_person_saw_taken_can_be_given_back(books: Any) -> None:
    with unanswered("capture", "retrieve"):
        trip = books.book("skyways:flex")
    assert "outcome unknown" in newest(trip).attention_reason

    resolve(newest(trip), "capture")
    books.work(trip)

    payment = Payment.objects.get(reservation_id=trip)
    assert (books.status(trip), payment.captured_amount) == ("confirmed", payment.amount)
    assert told(trip).count("payments.captured.v1") == 1
    books.cancel(trip)
    [(_, taken, given_back)] = books.there(trip).payments
    assert (books.status(trip), taken) == ("cancelled", given_back)


def test_a_leg_that_a_person_cancelled_makes_room_for_another_attempt(books: Any) -> None:
    trip = books.book("skyways:cancel-refused", card="pm_card_declineAtCapture")
    order = Order.objects.get(reservation_id=trip)

    resolve(newest(trip), "book", str(order.item_id))
    books.work(trip)

    order.refresh_from_db()
    assert (books.status(trip), order.status) == ("failed", "cancelled")
    assert told(trip).count("providers.leg_cancelled.v1") == 1
    books.pay(trip)
    books.confirm(trip)
    assert books.status(trip) == "confirmed"


def test_an_authorisation_that_a_person_voided_is_void(books: Any) -> None:
    with unanswered("retrieve", "cancel"):
        trip = books.book("skyways:sold-out")
    assert "authorise" in newest(trip).attention_reason

    resolve(newest(trip), "authorise")
    books.work(trip)

    assert Payment.objects.get(reservation_id=trip).status == "voided"
    assert told(trip).count("payments.voided.v1") == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "must hold: order_id, confirmation_code$"),
        ({"order_id": "DC-1"}, "must hold: confirmation_code$"),
        ({"order_id": "", "confirmation_code": "X"}, "must hold: order_id$"),
        ({"order_id": "DC-1", "confirmation_code": "X", "orderid": "DC-1"}, "holds no orderid$"),
        (
            {"order_id": "DC-1", "confirmation_code": "X", "amount": "0.01"},
            "asked for with another amount$",
        ),
    ],
)
def test_a_booking_needs_what_only_the_partner_can_tell(
    books: Any, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], words: str
) -> None:
    def silent(self: Any, **asked: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr(BlindGateway, "book", silent)
    trip = books.book("dialacar:standard")
    [item] = newest(trip).calls.filter(step="book").values_list("item", flat=True)

    with pytest.raises(control.NotResolvable, match=words):
        resolve(newest(trip), "book", item, answer=answer)

    assert newest(trip).attention_reason
    resolve(newest(trip), "book", item, answer={"order_id": "DC-1", "confirmation_code": "X"})
    assert books.work(trip).state == "completed"
    assert Order.objects.get(reservation_id=trip).partner_reference == "DC-1"


def test_a_refund_is_named_by_the_person_who_made_it(books: Any) -> None:
    trip = books.book("skyways:flex")
    with unanswered("refund", "refunds_of"):
        books.cancel(trip)
    assert newest(trip).attention_reason
    [refund] = books.processor.refunds.list().data

    with pytest.raises(control.NotResolvable, match=r"must hold: refund_id$"):
        resolve(newest(trip), "refund")
    resolve(newest(trip), "refund", answer={"refund_id": refund.id})
    books.work(trip)

    assert (books.status(trip), Payment.objects.get(reservation_id=trip).status) == (
        "cancelled",
        "refunded",
    )
    books.forward()
    assert audit()[0] == 0


def test_a_step_of_our_own_database_is_repaired_not_settled(books: Any) -> None:
    trip = books.compose("skyways:sold-out")
    # As by a bug in what gives the hold back.
    with pytest.MonkeyPatch.context() as bug:

        def broken(self: Any, call: Any) -> None:
            raise RuntimeError

        bug.setattr(reservation.Release, "apply", broken)
        books.confirm(trip)
    assert "hold" in newest(trip).attention_reason

    with pytest.raises(control.NotResolvable, match="repair its cause and retry"):
        resolve(newest(trip), "hold")


def test_what_the_deployed_code_lacks_is_not_settled(
    books: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trip = books.book("skyways:cancel-refused", "restwell:sold-out")
    saga = newest(trip)
    [item] = saga.calls.filter(direction="compensate", step="book").values_list("item", flat=True)
    monkeypatch.setattr("booking.orchestrator.operations.REGISTRY", {})

    with pytest.raises(control.NotResolvable, match="deploy the code first"):
        resolve(saga, "book", item)
