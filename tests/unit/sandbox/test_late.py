"""What lands long after everybody has given it up."""

import pytest


def land(partners):
    return partners.http.post("/control/land").json()["landed"]


def orders_of(partners):
    return [(order["status"], order["booked_count"]) for order in partners.ledger("r1")["orders"]]


def test_a_booking_lands_much_later_although_the_call_was_answered_500(partners):
    offer = partners.offer("budgetair", "books-much-later")

    answer = partners.book(offer)
    before = orders_of(partners)
    landed = land(partners)

    assert (answer.status_code, before, landed) == (500, [], 1)
    assert orders_of(partners) == [("confirmed", 1)]
    assert land(partners) == 0


def test_a_booking_that_lands_much_later_does_not_pass_a_tombstone(partners):
    partners.book(partners.offer("skyways", "books-much-later"))
    partners.cancel("skyways")

    landed = land(partners)

    assert landed == 1
    assert partners.get("skyways").json()["status"] == "cancelled"
    assert partners.ledger("r1")["orders"] == []


@pytest.mark.parametrize(("slug", "key", "orders"), [("budgetair", "k1", 1), ("oldinn", None, 2)])
def test_a_booking_that_was_repeated_lands_twice_only_without_keys(partners, slug, key, orders):
    offer = partners.offer(slug, "books-much-later")
    partners.book(offer, key)

    assert partners.book(offer, key).status_code == 201
    land(partners)

    assert orders_of(partners) == [("confirmed", 1)] * orders


def paid(processor):
    intents = processor.v1.payment_intents
    intent = intents.create(
        {
            "amount": 500,
            "currency": "eur",
            "capture_method": "manual",
            "payment_method": "pm_card_captured_much_later",
            "metadata": {"reservation_id": "r1"},
        }
    )
    return intents, intent.id


def test_money_is_taken_much_later_although_the_authorisation_was_cancelled(partners, processor):
    intents, intent_id = paid(processor)
    intents.confirm(intent_id)

    cancelled = intents.cancel(intent_id)
    land(partners)

    taken = intents.retrieve(intent_id)
    assert cancelled.status == "canceled"
    assert (taken.status, taken.amount_received, taken.canceled_at) == ("succeeded", 500, None)
    assert len(partners.ledger("r1")["captures"]) == 1
    assert "payment_intent.succeeded" in [e["type"] for e in partners.ledger("r1")["events"]]


def test_a_payment_that_held_no_money_takes_none_later(partners, processor):
    intents, intent_id = paid(processor)

    intents.cancel(intent_id)

    assert land(partners) == 0
    assert intents.retrieve(intent_id).status == "canceled"
