"""Authorise, capture, void and refund, judged by the card processor's own ledger."""

from dataclasses import replace
from decimal import Decimal

import httpx
import purses
import pytest

from eventbus.testing import capture
from outbound import http
from outbound.call import NotSent, Refusal, Waiting
from payments import services as payments
from payments.events import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
)
from payments.gateways.protocol import UnexpectedAnswer
from sandbox.server import Server

pytestmark = pytest.mark.django_db
AUTHORISE, CAPTURE, VOID, REFUND = (
    payments.Authorise(),
    payments.Capture(),
    payments.Void(),
    payments.Refund(),
)


def test_a_price_is_reserved_then_taken_each_told_once(cards: Server) -> None:
    reservation_id = purses.details_of()

    with capture() as published:
        for operation in (AUTHORISE, CAPTURE):
            call = purses.a_call(reservation_id)
            answer = purses.run(operation, call)
            operation.record(answer, call)

    assert purses.status_of(reservation_id) == "captured"
    assert purses.states(cards, reservation_id) == ["succeeded"]
    published.assert_published(PaymentAuthorised, amount=Decimal("423.40"))
    published.assert_published(PaymentCaptured, amount=Decimal("423.40"))


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_a_declined_card_is_a_definite_no_told_once(cards: Server, card: str, reason: str) -> None:
    reservation_id = purses.details_of(card)
    call = purses.a_call(reservation_id)
    request = AUTHORISE.prepare(call)

    with capture() as published:
        with pytest.raises(payments.Declined) as refused:
            AUTHORISE.call(request, call)
        with pytest.raises(payments.Declined):
            AUTHORISE.probe(request, call)
        for _ in range(2):
            AUTHORISE.record_refusal(refused.value, call)

    assert (refused.value.code, refused.value.reason) == ("card_declined", reason)
    assert purses.status_of(reservation_id) == "declined"
    published.assert_published(PaymentDeclined, stage="authorise", reason=reason)


def test_a_decline_at_capture_is_a_no_and_the_void_after_it_changes_nothing(cards: Server) -> None:
    reservation_id = purses.authorised("pm_card_declineAtCapture")
    call = purses.a_call(reservation_id)
    request = CAPTURE.prepare(call)

    with pytest.raises(payments.Declined) as refused:
        CAPTURE.call(request, call)
    with pytest.raises(payments.AuthorisationLost):
        CAPTURE.probe(request, call)
    with capture() as published:
        CAPTURE.record_refusal(refused.value, call)
        purses.run(VOID, purses.taking_back(call, request))

    assert purses.states(cards, reservation_id) == ["canceled"]
    assert purses.status_of(reservation_id) == "voided"
    published.assert_published(PaymentDeclined, stage="capture")


def test_3d_secure_waits_for_the_customer(cards: Server) -> None:
    reservation_id = purses.details_of("pm_card_authenticationRequired")
    call = purses.a_call(reservation_id)
    request = AUTHORISE.prepare(call)

    with pytest.raises(Waiting) as waiting:
        AUTHORISE.call(request, call)
    AUTHORISE.record_waiting(waiting.value, call)

    payment = payments.payment_of(reservation_id=reservation_id)
    assert payment is not None
    assert payment.status == "waiting"
    assert payment.client_action == waiting.value.action
    assert waiting.value.action["type"] == "3d_secure"
    with pytest.raises(Waiting):
        AUTHORISE.probe(request, call)
    httpx.get(waiting.value.action["url"], params={"result": "succeed"})
    answer = AUTHORISE.probe(request, call)
    assert answer is not None
    AUTHORISE.record(answer, call)
    assert purses.status_of(reservation_id) == "authorised"


def test_a_failed_3d_secure_is_a_definite_no(cards: Server) -> None:
    call = purses.a_call(purses.details_of("pm_card_authenticationRequired"))
    request = AUTHORISE.prepare(call)
    with pytest.raises(Waiting) as waiting:
        AUTHORISE.call(request, call)

    httpx.get(waiting.value.action["url"], params={"result": "fail"})

    with pytest.raises(payments.AuthenticationFailed):
        AUTHORISE.probe(request, call)


@pytest.mark.parametrize(
    ("card", "done"),
    [
        ("pm_card_authorise_timeout_before", False),
        ("pm_card_authorise_timeout_after", True),
        ("pm_card_error_once", False),
    ],
)
def test_without_an_answer_a_probe_tells_whether_it_is_authorised(
    cards: Server, card: str, done: bool
) -> None:
    call = purses.a_call(purses.details_of(card))
    request = AUTHORISE.prepare(call)

    with pytest.raises((http.NoAnswer, UnexpectedAnswer)):
        AUTHORISE.call(request, replace(call, seconds=0.6))

    assert (AUTHORISE.probe(request, call) is not None) is done


@pytest.mark.parametrize(
    ("card", "done"),
    [("pm_card_capture_timeout_before", False), ("pm_card_capture_timeout_after", True)],
)
def test_without_an_answer_a_probe_tells_whether_it_is_captured(
    cards: Server, card: str, done: bool
) -> None:
    reservation_id = purses.authorised(card)
    call = purses.a_call(reservation_id)
    request = CAPTURE.prepare(call)

    with pytest.raises(http.NoAnswer):
        CAPTURE.call(request, replace(call, seconds=0.6))

    assert (CAPTURE.probe(request, call) is not None) is done
    CAPTURE.record(CAPTURE.call(request, call), call)
    assert len(purses.ledger(cards, reservation_id)["captures"]) == 1


def test_a_saved_error_is_replayed_for_its_key_and_another_key_succeeds(cards: Server) -> None:
    call = purses.a_call(purses.details_of("pm_card_error_once"))
    request = AUTHORISE.prepare(call)
    for _ in range(2):
        with pytest.raises(UnexpectedAnswer):
            AUTHORISE.call(request, call)

    answer = AUTHORISE.call(request, purses.a_call(call.subject_id))

    assert answer.amount == "423.40"
    assert AUTHORISE.traits(request).saves_errors


def test_another_key_for_what_is_done_finds_it_done(cards: Server) -> None:
    reservation_id = purses.captured()
    call = purses.a_call(reservation_id)

    answer = CAPTURE.call(CAPTURE.prepare(call), call)

    assert answer.amount == "423.40"
    assert len(purses.ledger(cards, reservation_id)["captures"]) == 1


@pytest.mark.parametrize(
    ("before", "ours", "theirs"),
    [
        (purses.details_of, "voided", "canceled"),
        (purses.authorised, "voided", "canceled"),
        (purses.captured, "refunded", "succeeded"),
    ],
)
def test_a_void_brings_the_money_back_whatever_the_state(
    cards: Server, before, ours: str, theirs: str
) -> None:  # type: ignore[no-untyped-def]
    reservation_id = before()
    call = purses.a_call(reservation_id)
    back = purses.taking_back(call, CAPTURE.prepare(call))

    with capture() as published:
        for _ in range(2):
            purses.run(VOID, back)

    found = purses.ledger(cards, reservation_id)
    assert purses.status_of(reservation_id) == ours
    assert [intent["status"] for intent in found["payment_intents"]] == [theirs]
    assert sum(refund["amount"] for refund in found["refunds"]) == (
        42340 if ours == "refunded" else 0
    )
    assert len(published.of(PaymentVoided)) + len(published.of(PaymentRefunded)) == 1


def test_a_voided_payment_can_never_be_authorised(cards: Server) -> None:
    call = purses.a_call(purses.details_of())
    request = AUTHORISE.prepare(call)
    purses.run(VOID, purses.taking_back(call, request))

    with pytest.raises(payments.AuthorisationLost):
        AUTHORISE.call(request, call)
    with pytest.raises(payments.PaymentDetailsMissing):
        AUTHORISE.prepare(call)


def test_refunds_add_up_and_each_counts_once(cards: Server) -> None:
    reservation_id = purses.captured()
    some = purses.a_call(reservation_id, given={"amount": "100.00", "currency": "EUR"})
    rest = purses.a_call(reservation_id, given={"amount": "323.40", "currency": "EUR"})

    with capture() as published:
        request = REFUND.prepare(some)
        assert REFUND.probe(request, some) is None
        for _ in range(2):
            REFUND.record(REFUND.call(request, some), some)
        assert REFUND.probe(request, some) is not None
        assert purses.status_of(reservation_id) == "partly_refunded"
        purses.run(REFUND, rest)

    assert purses.status_of(reservation_id) == "refunded"
    refunds = purses.ledger(cards, reservation_id)["refunds"]
    assert sorted(refund["amount"] for refund in refunds) == [10000, 32340]
    published.assert_published(PaymentRefunded, times=2)


@pytest.mark.parametrize(
    "given",
    [
        {"amount": "423.41", "currency": "EUR"},
        {"amount": "-1.00", "currency": "EUR"},
        {"amount": "1.00", "currency": "USD"},
    ],
)
def test_more_than_was_captured_is_never_given_back(cards: Server, given: dict[str, str]) -> None:
    reservation_id = purses.captured()

    with pytest.raises(payments.RefundRefused):
        REFUND.prepare(purses.a_call(reservation_id, given=given))


def test_nothing_to_give_back_asks_nobody(cards: Server, settings) -> None:  # type: ignore[no-untyped-def]
    reservation_id = purses.captured()
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    call = purses.a_call(reservation_id, given={"amount": "0.00", "currency": "EUR"})

    purses.run(REFUND, call)

    assert purses.status_of(reservation_id) == "captured"


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"amount": "423.41", "currency": "EUR"}, payments.PriceMismatch),
        ({"amount": "423.40", "currency": "USD"}, payments.PriceMismatch),
    ],
)
def test_details_entered_for_another_price_are_not_used(
    cards: Server, given: dict[str, str], refusal: type[Refusal]
) -> None:
    reservation_id = purses.details_of()

    with pytest.raises(refusal):
        AUTHORISE.prepare(purses.a_call(reservation_id, given=given))

    assert purses.states(cards, reservation_id) == ["requires_confirmation"]


def test_without_a_connection_nothing_was_sent(cards: Server, settings) -> None:  # type: ignore[no-untyped-def]
    call = purses.a_call(purses.details_of())
    request = AUTHORISE.prepare(call)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    with pytest.raises(NotSent):
        AUTHORISE.call(request, call)
