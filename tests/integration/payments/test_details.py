"""Payment details: a token in, an unconfirmed payment at the processor, nothing taken."""

from datetime import timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import purses
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from payments import details
from payments import services as payments
from payments.models import Payment
from sandbox.server import Server
from tests.patience import until

pytestmark = pytest.mark.django_db


def test_entering_details_opens_a_payment_that_nobody_has_confirmed(cards: Server) -> None:
    reservation_id = purses.details_of()

    payment = payments.payment_of(reservation_id=reservation_id)
    assert payment is not None
    assert (payment.status, str(payment.amount), payment.currency) == ("ready", "423.40", "EUR")
    assert payments.is_ready(reservation_id=reservation_id)
    (intent,) = purses.ledger(cards, reservation_id)["payment_intents"]
    assert (intent["status"], intent["amount"]) == ("requires_confirmation", 42340)
    assert intent["metadata"]["payment_id"] == str(payment.payment_id)


def test_entering_details_again_supersedes_and_cancels_the_first(cards: Server) -> None:
    reservation_id = purses.details_of()

    purses.details_of("pm_card_mastercard", reservation_id=reservation_id)

    assert sorted(purses.states(cards, reservation_id)) == ["canceled", "requires_confirmation"]
    assert Payment.objects.filter(reservation_id=reservation_id, superseded_at=None).count() == 1
    assert payments.is_ready(reservation_id=reservation_id)


@pytest.mark.parametrize("hours", [-1, 1])
def test_times_are_the_databases_whatever_the_web_hosts_clock_says(
    cards: Server, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=hours))

    reservation_id = purses.details_of()
    purses.details_of(reservation_id=reservation_id)

    first, second = Payment.objects.order_by("created_at")
    assert first.superseded_at is not None
    for at in (first.created_at, first.superseded_at, second.created_at):
        assert timedelta(0) <= at - now < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("card", "refusal"),
    [
        ("4242424242424242", payments.CardNumberRefused),
        ("visa", payments.PaymentDetailsRefused),
        ("pm_nobody_knows_it", payments.PaymentDetailsRefused),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_stored(
    cards: Server, card: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal) as refused:
        purses.details_of(card)

    assert card not in str(refused.value)
    assert not Payment.objects.exists()


def test_a_payment_in_use_cannot_be_replaced(cards: Server) -> None:
    reservation_id = purses.authorised()

    with pytest.raises(payments.PaymentInProgress):
        purses.details_of(reservation_id=reservation_id)

    assert purses.states(cards, reservation_id) == ["requires_capture"]


def test_a_processor_that_does_not_answer_can_be_asked_again(cards: Server, settings) -> None:  # type: ignore[no-untyped-def]
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    with pytest.raises(payments.PaymentGatewayUnavailable):
        purses.details_of()

    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"method": "4242424242424242"},
        {"authorised_amount": Decimal("423.41")},
        {"captured_amount": Decimal("0.01")},
        {"refunded_amount": Decimal("0.01")},
        {"status": "captured"},
        {"status": "unheard_of"},
        {"currency": "eur"},
        {"method_last4": "42424242"[:3]},
    ],
)
def test_a_row_that_contradicts_itself_is_refused(cards: Server, change: dict[str, object]) -> None:
    reservation_id = purses.details_of()

    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(reservation_id=reservation_id).update(**change)


def test_a_reservation_is_captured_once_at_most(cards: Server) -> None:
    paid, other = purses.captured(), purses.details_of()
    payment = Payment.objects.get(reservation_id=other)
    payment.reservation_id, payment.superseded_at = paid, payment.created_at
    payment.save()

    with pytest.raises(IntegrityError, match="payment_one_captured_per_reservation"):
        Payment.objects.filter(pk=payment.pk).update(
            status="captured", captured_amount=1, authorised_amount=1
        )


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_details_that_are_being_replaced_sees_the_new_ones(
    cards: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reservation_id = purses.details_of()
    stored, others = [], []
    create = Payment.objects.create

    def create_while_another_waits(**fields: Any) -> Payment:
        stored.append(create(**fields))
        other.start()
        until(_somebody_waits_for_us, what="the other one waiting")
        return stored[-1]

    def look() -> None:
        try:
            with transaction.atomic():
                others.append(details._locked(reservation_id))
        finally:
            connection.close()

    other = Thread(target=look)
    monkeypatch.setattr(Payment.objects, "create", create_while_another_waits)
    purses.details_of(reservation_id=reservation_id)
    other.join(10)

    assert others == stored


def _somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return cursor.fetchone() is not None
