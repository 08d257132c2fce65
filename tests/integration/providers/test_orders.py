"""Booking and cancelling a leg at partners of every class, judged by the sandbox's own ledger."""

import re
import time
from dataclasses import replace
from uuid import UUID, uuid4

import legs
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from eventbus import together
from eventbus.testing import capture
from outbound import http
from outbound.call import Refusal
from providers import services as providers
from providers.events import LegBooked, LegCancelled, LegRefused
from providers.gateways.network import CannotBeAsked
from sandbox.server import Server
from tests.plans import generic_plan

pytestmark = pytest.mark.django_db
ASKABLE = pytest.mark.parametrize("partner", ["skyways", "budgetair", "oldinn"])
EVERY_CLASS = pytest.mark.parametrize("partner", ["skyways", "budgetair", "oldinn", "dialacar"])
BOOK, CANCEL = providers.Book(), providers.Cancel()


@EVERY_CLASS
def test_a_leg_is_booked_kept_and_told_once(partners: Server, partner: str) -> None:
    call = legs.a_call(legs.an_offer(partner))

    with capture() as published:
        answer = BOOK.call(BOOK.prepare(call), call)
        BOOK.record(answer, call)
        with pytest.raises(IntegrityError, match="order_one_per_key"), transaction.atomic():
            BOOK.record(answer, call)

    assert legs.ledger(partners, call) == ["confirmed"]
    (order,) = providers.orders_of(reservation_id=call.subject_id)
    assert (order.status, order.confirmation_code) == ("booked", answer.confirmation_code)
    published.assert_published(LegBooked, item_id=UUID(call.item), amount=order.amount)


@EVERY_CLASS
def test_a_booked_leg_is_cancelled_once_however_often_it_is_asked(
    partners: Server, partner: str
) -> None:
    call = legs.a_call(legs.an_offer(partner))
    request = BOOK.prepare(call)
    answer = BOOK.call(request, call)
    BOOK.record(answer, call)
    back = legs.taking_back(call, request, answer)

    with capture() as published:
        for _ in range(2):
            CANCEL.record(CANCEL.call(CANCEL.prepare(back), back), back)

    assert legs.ledger(partners, call) == ["cancelled"]
    assert [order.status for order in providers.orders_of(reservation_id=call.subject_id)] == [
        "cancelled"
    ]
    published.assert_published(LegCancelled, item_id=UUID(call.item))


def test_a_leg_can_be_cancelled_without_the_call_that_booked_it(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("skyways"))
    BOOK.record(BOOK.call(BOOK.prepare(call), call), call)

    CANCEL.record(CANCEL.call(CANCEL.prepare(call), call), call)

    assert legs.ledger(partners, call) == ["cancelled"]


def test_what_earlier_code_asked_for_is_cancelled_as_well(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("skyways"))
    request = BOOK.prepare(call)
    BOOK.call(request, call)
    back = legs.taking_back(call, request)
    assert back.original is not None
    longer = replace(back.original, request={**back.original.request, "no_longer_asked": "x"})

    again = replace(back, original=longer)
    CANCEL.call(CANCEL.prepare(again), again)

    assert legs.ledger(partners, call) == ["cancelled"]


@ASKABLE
def test_cancelling_what_was_never_booked_is_told_too(partners: Server, partner: str) -> None:
    call = legs.a_call(legs.an_offer(partner))
    back = legs.taking_back(call, BOOK.prepare(call))

    with capture() as published:
        answer = CANCEL.call(CANCEL.prepare(back), back)
        CANCEL.record(answer, back)

    assert answer.outcome == ("cancelled" if partner == "skyways" else "absent")
    assert "confirmed" not in legs.ledger(partners, call)
    assert providers.orders_of(reservation_id=call.subject_id) == []
    published.assert_published(LegCancelled, item_id=UUID(call.item))


def test_class_a_refuses_what_arrives_after_its_cancellation(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("skyways"))
    request = BOOK.prepare(call)
    back = legs.taking_back(call, request)
    CANCEL.call(CANCEL.prepare(back), back)

    with pytest.raises(providers.OrderCancelled):
        BOOK.call(request, call)
    with pytest.raises(providers.OrderCancelled):
        BOOK.probe(request, call)


@pytest.mark.parametrize(
    ("product", "refusal"),
    [
        ("sold-out", providers.SoldOut),
        ("price-changed", providers.PriceChanged),
        ("offer-expires", providers.OfferExpired),
        ("refused", providers.Refused),
    ],
)
@EVERY_CLASS
def test_a_definite_no_books_nothing_and_is_told(
    partners: Server, partner: str, product: str, refusal: type[Refusal]
) -> None:
    call = legs.a_call(legs.an_offer(partner, product))

    with capture() as published, pytest.raises(refusal) as refused:
        BOOK.call(BOOK.prepare(call), call)
    with capture() as published:
        BOOK.record_refusal(refused.value, call)  # type: ignore[arg-type]

    assert legs.ledger(partners, call) == []
    published.assert_published(LegRefused, item_id=UUID(call.item), reason=refusal.code)


@pytest.mark.parametrize(
    ("product", "booked"),
    [
        ("timeout-before", False),
        ("timeout-after", True),
        ("slow-drip", True),
        ("error-once", False),
        ("garbage-once", True),
        ("reset-once", False),
    ],
)
@ASKABLE
def test_without_an_answer_a_probe_tells_what_became_of_the_order(
    partners: Server, partner: str, product: str, booked: bool
) -> None:
    call = legs.a_call(legs.an_offer(partner, product), seconds=0.6)
    request = BOOK.prepare(call)
    started = time.monotonic()

    with pytest.raises((http.NoAnswer, providers.UnexpectedAnswer)):
        BOOK.call(request, call)

    assert time.monotonic() - started < 1.5
    found = BOOK.probe(request, call)
    assert (found is not None) is booked
    assert legs.ledger(partners, call) == (["confirmed"] if booked else [])


def test_class_d_can_be_neither_asked_nor_cancelled_without_its_own_order_id(
    partners: Server,
) -> None:
    call = legs.a_call(legs.an_offer("dialacar", "timeout-after"), seconds=0.6)
    request = BOOK.prepare(call)
    with pytest.raises(http.NoAnswer):
        BOOK.call(request, call)
    back = legs.taking_back(call, request)

    with pytest.raises(CannotBeAsked):
        BOOK.probe(request, call)
    with pytest.raises(providers.CancelRefused):
        CANCEL.call(CANCEL.prepare(back), back)

    assert legs.ledger(partners, call) == ["confirmed"]


@pytest.mark.parametrize("partner", ["skyways", "budgetair"])
def test_asking_again_under_the_same_key_books_once(partners: Server, partner: str) -> None:
    call = legs.a_call(legs.an_offer(partner, "timeout-after"), seconds=0.6)
    request = BOOK.prepare(call)
    with pytest.raises(http.NoAnswer):
        BOOK.call(request, call)

    answer = BOOK.call(request, call)

    assert answer == BOOK.probe(request, call)
    assert legs.ledger(partners, call) == ["confirmed"]


def test_a_partner_that_refuses_to_cancel_says_a_definite_no(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("skyways", "cancel-refused"))
    request = BOOK.prepare(call)
    BOOK.call(request, call)
    back = legs.taking_back(call, request)

    with pytest.raises(providers.CancelRefused):
        CANCEL.call(CANCEL.prepare(back), back)

    assert legs.ledger(partners, call) == ["confirmed"]


def test_an_offer_of_nobody_is_refused_before_anything_is_sent(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("skyways"))
    call = type(call)(**{**call.__dict__, "given": {**call.given, "offer_id": "nobody:off_1"}})

    with capture() as published, pytest.raises(providers.OfferNotFound) as refused:
        BOOK.prepare(call)
    with capture() as published:
        BOOK.record_refusal(refused.value, call)

    published.assert_published(LegRefused, reason="offer_not_found")


def test_a_leg_that_stands_booked_is_refused_before_anything_is_sent(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("skyways"))
    request = BOOK.prepare(call)
    answer = BOOK.call(request, call)
    BOOK.record(answer, call)
    again = replace(call, key=f"key-{uuid4()}")

    with pytest.raises(providers.AlreadyBooked):
        BOOK.prepare(again)

    assert BOOK.prepare(call) == request  # its own order is no other
    back = legs.taking_back(call, request, answer)
    CANCEL.record(CANCEL.call(CANCEL.prepare(back), back), back)
    assert BOOK.prepare(again) == request


def test_what_stands_is_looked_for_once_for_all_legs_and_by_trip(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("skyways"))
    others = [replace(call, item=str(uuid4()), key=f"key-{uuid4()}") for _ in range(2)]
    with CaptureQueriesContext(connection) as sent, together.transaction():
        for leg in (call, *others):
            BOOK.prepare(leg)

    [statement] = {q["sql"] for q in sent if 'FROM "providers_order"' in q["sql"]}
    assert sum('FROM "providers_order"' in q["sql"] for q in sent) == 1
    # As PostgreSQL plans it once for every status: an index of booked orders alone would be of no use.
    asked = re.sub(r"'booked'", "$1", statement)
    assert asked != statement
    plan = generic_plan(asked)
    assert "Seq Scan" not in plan
    assert "Index Cond: (reservation_id =" in plan


def test_class_c_tells_a_cancelled_order_from_a_confirmed_one(partners: Server) -> None:
    call = legs.a_call(legs.an_offer("oldinn"))
    request = BOOK.prepare(call)
    BOOK.call(request, call)
    back = legs.taking_back(call, request)

    outcomes = [CANCEL.call(CANCEL.prepare(back), back).outcome for _ in range(2)]

    assert outcomes == ["cancelled", "absent"]
    assert BOOK.probe(request, call) is None
