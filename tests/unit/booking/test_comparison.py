"""The comparison of our books with the ledgers of the other side, as a table."""

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from booking.reconciler.comparison import (
    Books,
    Kind,
    Ledgers,
    OurOrder,
    OurPayment,
    Remedy,
    Standing,
    TheirOrder,
    TheirPayment,
    compare,
)

CANCEL, BACK, PERSON = Remedy.CANCEL_ORDER, Remedy.GIVE_BACK, Remedy.NONE
PRICE = Decimal("120.00")


def ours(item="flight", order_id="o1", amount="120.00", currency="EUR"):
    return OurOrder(item_id=item, order_id=order_id, amount=Decimal(amount), currency=currency)


def theirs(item="flight", order_id="o1", amount="120.00", currency="EUR"):
    return TheirOrder(
        provider_id="p1",
        partner="skyways",
        handle=f"h-{order_id}",
        order_id=order_id,
        item_id=item,
        amount=Decimal(amount),
        currency=currency,
    )


def money(side, intent_id="pi_1", **figures):
    return side(intent_id=intent_id, **{name: Decimal(value) for name, value in figures.items()})


def we(intent_id="pi_1", **figures):
    return money(OurPayment, intent_id, **figures)


def they(intent_id="pi_1", **figures):
    return money(TheirPayment, intent_id, **figures)


PAID = (we(captured=120),)
TAKEN = (they(captured=120),)
TRIP = Books(standing=Standing.CONFIRMED, legs=("flight",), orders=(ours(),), payments=PAID)
THERE = Ledgers(orders=(theirs(),), payments=TAKEN)
NOTHING = Books(standing=Standing.UNBOOKED, legs=("flight",), payments=(we(),))
STRANGER = Books(standing=Standing.UNKNOWN)
ENDED = Books(
    standing=Standing.CANCELLED, legs=("flight",), payments=(we(captured=120, refunded=90),)
)


def found(books, ledgers):
    return [(finding.kind, finding.what, finding.remedy) for finding in compare(books, ledgers)]


@pytest.mark.parametrize(
    ("books", "ledgers"),
    [
        (TRIP, THERE),
        (NOTHING, Ledgers()),
        (NOTHING, Ledgers(payments=(they(),))),
        (NOTHING, Ledgers(payments=(they(captured=120, refunded=120),))),
        (STRANGER, Ledgers(payments=(they(),))),
        (ENDED, Ledgers(payments=(they(captured=120, refunded=90),))),
        # The same amount, written with other digits.
        (TRIP, replace(THERE, orders=(theirs(amount="120"),))),
        # A first attempt that was taken late and given back, and the trip that was paid afterwards.
        (
            replace(TRIP, payments=(we("pi_0", captured=120, refunded=120), *PAID)),
            replace(THERE, payments=(they("pi_0", captured=120, refunded=120), *TAKEN)),
        ),
        # The payment of the trip is the one that is kept, also when another was opened after it.
        (
            replace(TRIP, payments=(*PAID, we("pi_2", captured=120, refunded=120))),
            replace(THERE, payments=(*TAKEN, they("pi_2", captured=120, refunded=120))),
        ),
        # A person bore the loss of a refund that was not made.
        (replace(ENDED, accepted=frozenset({""})), Ledgers(payments=(they(captured=120),))),
        # Cancelled, and nobody ever paid: there is nothing that could differ any more.
        (replace(ENDED, payments=(we(),)), Ledgers(payments=(they(),))),
        # A person bore the loss of what a partner did not cancel, or of what could not be voided.
        (replace(NOTHING, accepted=frozenset({"flight"})), Ledgers(orders=(theirs(),))),
        (replace(NOTHING, accepted=frozenset({""})), Ledgers(payments=(they(held=120),))),
        # Cancelled for nothing: the policy gives nothing back.
        (replace(ENDED, payments=PAID), Ledgers(payments=TAKEN)),
        # Cancelled, and a person settled a leg that the partner has no order for any more.
        (replace(ENDED, orders=(ours(),)), Ledgers(payments=(they(captured=120, refunded=90),))),
    ],
)
def test_books_that_agree_have_no_discrepancy(books, ledgers):
    assert found(books, ledgers) == []


@pytest.mark.parametrize(
    ("books", "ledgers", "expected"),
    [
        # --- orders
        (NOTHING, [theirs()], (Kind.ORPHAN_AT_PARTNER, "order skyways o1", CANCEL)),
        (ENDED, [theirs()], (Kind.ORPHAN_AT_PARTNER, "order skyways o1", CANCEL)),
        (STRANGER, [theirs()], (Kind.ORPHAN_AT_PARTNER, "order skyways o1", PERSON)),
        (
            replace(NOTHING, accepted=frozenset({"hotel"})),
            [theirs()],
            (Kind.ORPHAN_AT_PARTNER, "order skyways o1", CANCEL),
        ),
        (
            TRIP,
            [theirs(), theirs("hotel", "o7")],
            (Kind.ORPHAN_AT_PARTNER, "order skyways o7", PERSON),
        ),
        (TRIP, [], (Kind.MISSING_AT_PARTNER, "leg flight", PERSON)),
        (
            replace(TRIP, legs=("flight", "hotel")),
            [theirs()],
            (Kind.MISSING_AT_PARTNER, "leg hotel", PERSON),
        ),
        (TRIP, [theirs(amount="130.00")], (Kind.AMOUNT_MISMATCH, "leg flight", PERSON)),
        (TRIP, [theirs(currency="USD")], (Kind.AMOUNT_MISMATCH, "leg flight", PERSON)),
        (TRIP, [theirs(), theirs(order_id="o2")], (Kind.DOUBLE, "order skyways o2", CANCEL)),
        (TRIP, [theirs(order_id="o0"), theirs()], (Kind.DOUBLE, "order skyways o0", CANCEL)),
        # --- payments
        (
            NOTHING,
            [they(captured=120)],
            (Kind.CAPTURED_WITHOUT_CONFIRMED, "payment pi_1", BACK),
        ),
        (
            NOTHING,
            [they(captured=120, refunded=20)],
            (Kind.CAPTURED_WITHOUT_CONFIRMED, "payment pi_1", BACK),
        ),
        (
            NOTHING,
            [they("pi_foreign", captured=120)],
            (Kind.CAPTURED_WITHOUT_CONFIRMED, "payment pi_foreign", PERSON),
        ),
        (
            STRANGER,
            [they(captured=120)],
            (Kind.CAPTURED_WITHOUT_CONFIRMED, "payment pi_1", PERSON),
        ),
        (NOTHING, [they(held=120)], (Kind.AUTHORISATION_LEFT, "payment pi_1", BACK)),
        (STRANGER, [they(held=120)], (Kind.AUTHORISATION_LEFT, "payment pi_1", PERSON)),
        (
            replace(TRIP, payments=(we("pi_0"), *PAID)),
            [they("pi_0", held=120), *TAKEN],
            (Kind.AUTHORISATION_LEFT, "payment pi_0", BACK),
        ),
        (TRIP, [they(held=120)], (Kind.CONFIRMED_WITHOUT_CAPTURE, "payment pi_1", PERSON)),
        (TRIP, [], (Kind.CONFIRMED_WITHOUT_CAPTURE, "payment pi_1", PERSON)),
        (
            replace(TRIP, payments=(we(),)),
            [],
            (Kind.CONFIRMED_WITHOUT_CAPTURE, "the trip", PERSON),
        ),
        (TRIP, [they(captured=119)], (Kind.AMOUNT_MISMATCH, "payment pi_1", PERSON)),
        (
            replace(TRIP, payments=(we("pi_0"), *PAID)),
            [they("pi_0", captured=120), *TAKEN],
            (Kind.DOUBLE, "payment pi_0", BACK),
        ),
        (
            TRIP,
            [they("pi_foreign", captured=120), *TAKEN],
            (Kind.DOUBLE, "payment pi_foreign", PERSON),
        ),
        (
            replace(ENDED, payments=(we("pi_0"), *ENDED.payments)),
            [they("pi_0", captured=120), they(captured=120, refunded=90)],
            (Kind.DOUBLE, "payment pi_0", BACK),
        ),
        (TRIP, [they(captured=120, refunded=5)], (Kind.REFUND_MISMATCH, "payment pi_1", PERSON)),
        (ENDED, [they(captured=120)], (Kind.REFUND_MISMATCH, "payment pi_1", PERSON)),
        (
            ENDED,
            [they(captured=120, refunded=120)],
            (Kind.REFUND_MISMATCH, "payment pi_1", PERSON),
        ),
        (ENDED, [they()], (Kind.CONFIRMED_WITHOUT_CAPTURE, "payment pi_1", PERSON)),
        (ENDED, [they(captured=80, refunded=80)], (Kind.AMOUNT_MISMATCH, "payment pi_1", PERSON)),
    ],
)
def test_each_class_is_found_alone_with_its_remedy(books, ledgers, expected):
    orders = tuple(entry for entry in ledgers if isinstance(entry, TheirOrder))
    payments = tuple(entry for entry in ledgers if isinstance(entry, TheirPayment))
    # The side that the row does not speak of agrees.
    if books.standing is Standing.CONFIRMED and expected[1].startswith(("payment", "the trip")):
        orders = THERE.orders
    elif books.standing is Standing.CONFIRMED:
        payments = THERE.payments
    if books is ENDED and not payments:
        payments = (they(captured=120, refunded=90),)

    assert found(books, Ledgers(orders=orders, payments=payments)) == [expected]


def test_every_class_and_every_remedy_is_in_the_table():
    rows = test_each_class_is_found_alone_with_its_remedy.pytestmark[0].args[1]

    assert {row[2][0] for row in rows} == set(Kind)
    assert {row[2][2] for row in rows} == set(Remedy)


def test_a_second_payment_is_not_given_back_while_the_trip_s_own_was_not_taken():
    books = replace(TRIP, payments=(we("pi_0"), *PAID))
    ledgers = replace(THERE, payments=(they("pi_0", captured=120), they(held=120)))

    assert found(books, ledgers) == [
        (Kind.CONFIRMED_WITHOUT_CAPTURE, "payment pi_1", PERSON),
        (Kind.DOUBLE, "payment pi_0", PERSON),
    ]


def test_an_order_in_place_of_the_one_that_we_know_is_not_cancelled_unasked():
    ledgers = replace(THERE, orders=(theirs(order_id="o9"),))

    assert found(TRIP, ledgers) == [
        (Kind.ORPHAN_AT_PARTNER, "order skyways o9", PERSON),
        (Kind.MISSING_AT_PARTNER, "leg flight", PERSON),
    ]


def test_several_discrepancies_are_all_found():
    ledgers = Ledgers(
        orders=(theirs(), theirs("hotel", "o2")), payments=(they(captured=120), they("x", held=1))
    )

    assert [kind for kind, _, _ in found(NOTHING, ledgers)] == [
        Kind.ORPHAN_AT_PARTNER,
        Kind.ORPHAN_AT_PARTNER,
        Kind.CAPTURED_WITHOUT_CONFIRMED,
        Kind.AUTHORISATION_LEFT,
    ]


def test_a_remedy_knows_what_it_has_to_do():
    ledgers = Ledgers(orders=(theirs(),), payments=(they(captured=120, refunded="20.50"),))

    order, payment = compare(NOTHING, ledgers)

    assert order.target == {
        "provider_id": "p1",
        "handle": "h-o1",
        "order_id": "o1",
        "item_id": "flight",
        "amount": "120.00",
        "currency": "EUR",
    }
    assert payment.target == {"intent_id": "pi_1"}
    assert payment.facts["theirs"] == {
        "held": "0",
        "captured": "120",
        "refunded": "20.5",
        "currency": "EUR",
    }


@pytest.mark.parametrize(
    ("standing", "their_order", "their_payment"),
    list(
        product(
            Standing,
            [None, theirs(), theirs(order_id="o2")],
            [None, they(), they(held=120), they(captured=120), they(captured=120, refunded=120)],
        )
    ),
)
def test_a_remedy_never_touches_what_a_confirmed_trip_needs(standing, their_order, their_payment):
    books = replace(TRIP, standing=standing)
    ledgers = Ledgers(
        orders=(their_order,) if their_order else (),
        payments=(their_payment,) if their_payment else (),
    )

    remedied = [finding for finding in compare(books, ledgers) if finding.remedy]

    assert not remedied or standing not in {Standing.CONFIRMED, Standing.UNKNOWN}
