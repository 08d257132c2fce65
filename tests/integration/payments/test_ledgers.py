"""The card processor's ledger beside our books, and a stray payment given back; judged by the sandbox."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import purses
import pytest

from eventbus.testing import capture
from outbound import http
from payments import services as payments
from payments.events import PaymentCaptured, PaymentRefunded, PaymentVoided
from payments.gateways.stripe import StripeGateway
from payments.models import Payment, WebhookDelivery
from sandbox.server import Server

pytestmark = pytest.mark.django_db
PRICE = Decimal("423.40")
ALL = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}


def intent_of(reservation_id: UUID) -> str:
    """Return the id of the current payment of a reservation at the processor."""
    return Payment.objects.get(reservation_id=reservation_id, superseded_at=None).gateway_payment_id


def listed(reservation_id: UUID, **window: Any) -> list[payments.PaymentAtProcessor]:
    """Return what the processor lists of a reservation."""
    ledger = payments.list_processor_payments(**{**ALL, **window}, seconds=20)
    assert ledger.silent == ""
    return [found for found in ledger.payments if found.reservation_id == reservation_id]


def in_figures(payment: payments.PaymentAtProcessor) -> tuple[Decimal, Decimal, Decimal]:
    """Return (held, captured, refunded)."""
    return payment.held, payment.captured, payment.refunded


def test_the_ledger_says_what_is_held_taken_and_given_back(cards: Server) -> None:
    entered, reserved, taken = purses.details_of(), purses.authorised(), purses.captured()
    back = purses.captured()
    given = {"amount": "100.00", "currency": "EUR"}
    purses.run(payments.Refund(), purses.a_call(back, given=given))

    assert in_figures(*listed(entered)) == (0, 0, 0)
    assert in_figures(*listed(reserved)) == (PRICE, 0, 0)
    assert in_figures(*listed(taken)) == (0, PRICE, 0)
    assert in_figures(*listed(back)) == (0, PRICE, Decimal("100.00"))


def test_a_payment_alone_is_the_same_as_in_the_list(cards: Server) -> None:
    reservation_id = purses.captured()
    purses.run(payments.Refund(), purses.a_call(reservation_id))

    alone = payments.look_up_payments(intent_ids=[intent_of(reservation_id)], seconds=20)

    assert alone.payments == listed(reservation_id)
    assert alone.payments[0].refunded == PRICE


def test_the_window_is_that_of_the_creation(cards: Server) -> None:
    reservation_id, now = purses.details_of(), datetime.now(UTC)

    assert listed(reservation_id, until=now - timedelta(seconds=30)) == []
    assert listed(reservation_id, since=now + timedelta(seconds=30)) == []
    assert len(listed(reservation_id, since=now - timedelta(seconds=30))) == 1


def test_the_ledger_is_read_page_by_page(cards: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [purses.details_of() for _ in range(3)]
    real, asked = StripeGateway.list_payments, []

    def list_payments(self: StripeGateway, **wanted: Any) -> Any:
        asked.append(wanted["after"])
        return real(self, **wanted)

    monkeypatch.setattr(StripeGateway, "list_payments", list_payments)
    monkeypatch.setattr("payments.gateways.stripe.PAGE", 2)

    found = {
        payment.reservation_id
        for payment in payments.list_processor_payments(**ALL, seconds=20).payments
    }

    assert set(made) <= found
    assert len(asked) > 1
    assert len(set(asked)) == len(asked)


def test_silence_is_not_taken_for_an_empty_ledger(
    cards: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_payments(self: StripeGateway, **wanted: Any) -> Any:
        raise http.DeadlineExceeded("GET")

    monkeypatch.setattr(StripeGateway, "list_payments", list_payments)

    ledger = payments.list_processor_payments(**ALL, seconds=20)

    assert ledger.payments == []
    assert "DeadlineExceeded" in ledger.silent


def test_an_older_payment_that_the_processor_spoke_of_is_asked_about_alone(cards: Server) -> None:
    reservation_id, now = purses.details_of(), datetime.now(UTC)
    Payment.objects.filter(reservation_id=reservation_id).update(created_at=now - timedelta(days=3))

    WebhookDelivery.objects.create(
        event_id="evt_1", type="t", payload={}, reservation_id=reservation_id, received_at=now
    )
    window = {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}

    assert payments.unlisted_reservations(**window) == {reservation_id}
    assert payments.unlisted_reservations(**ALL) == set()


def give_back(reservation_id: UUID, intent_id: str) -> None:
    """Give a payment back twice, as a retry would."""
    call = purses.a_call(reservation_id, given={"intent_id": intent_id})
    for _ in range(2):
        purses.run(payments.GiveBack(), call)


def test_an_authorisation_that_was_left_is_voided(cards: Server) -> None:
    reservation_id = purses.authorised()

    with capture() as published:
        give_back(reservation_id, intent_of(reservation_id))

    assert purses.states(cards, reservation_id) == ["canceled"]
    assert purses.status_of(reservation_id) == "voided"
    published.assert_published(PaymentVoided, reservation_id=reservation_id)


def voided_and_yet_taken(cards: Server) -> UUID:
    """Return a reservation whose authorisation was voided, and captured after all."""
    reservation_id = purses.authorised("pm_card_captured_much_later")
    give_back(reservation_id, intent_of(reservation_id))
    httpx.post(f"{cards.url}/control/land").raise_for_status()
    assert purses.states(cards, reservation_id) == ["succeeded"]
    return reservation_id


def test_a_payment_that_was_taken_after_it_was_voided_is_refunded_and_told(cards: Server) -> None:
    reservation_id = voided_and_yet_taken(cards)

    with capture() as published:
        give_back(reservation_id, intent_of(reservation_id))

    refunds = purses.ledger(cards, reservation_id)["refunds"]
    assert [refund["amount"] for refund in refunds] == [42340]
    assert purses.status_of(reservation_id) == "refunded"
    published.assert_published(PaymentCaptured, amount=PRICE)
    published.assert_published(PaymentRefunded, amount=PRICE)


def test_a_second_payment_is_given_back_beside_the_one_that_is_kept(cards: Server) -> None:
    reservation_id = voided_and_yet_taken(cards)
    stray = intent_of(reservation_id)
    purses.details_of(reservation_id=reservation_id)
    for operation in (payments.Authorise(), payments.Capture()):
        purses.run(operation, purses.a_call(reservation_id))

    give_back(reservation_id, stray)

    books = payments.payments_in_books(reservation_ids=[reservation_id])
    assert [(one.captured, one.refunded) for one in books] == [(PRICE, PRICE), (PRICE, 0)]
    assert {found.intent_id: found.refunded for found in listed(reservation_id)} == {
        stray: PRICE,
        intent_of(reservation_id): 0,
    }
