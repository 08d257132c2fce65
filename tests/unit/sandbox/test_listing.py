"""The ledgers as the other side shows them: orders by window and page, payments by second of creation."""

import datetime
import time

import pytest

AGES_AGO = "2020-01-01T00:00:00+00:00"


def an_hour_on():
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).isoformat()


def page_of(partners, slug="skyways", **changes):
    window = {"booked_from": AGES_AGO, "booked_until": an_hour_on()}
    return partners.http.get(f"/partners/{slug}/orders", params=window | changes)


def test_orders_of_a_window_come_page_by_page_oldest_first(partners):
    offer = partners.offer("skyways")
    for number in range(3):
        partners.book(offer, f"k{number}", reference=f"r{number}/leg")

    first = page_of(partners, limit="2").json()
    second = page_of(partners, limit="2", after=first["next"]).json()

    assert [order["key"] for order in first["orders"]] == ["k0", "k1"]
    assert [order["key"] for order in second["orders"]] == ["k2"]
    assert second["next"] is None


def test_a_window_ends_before_its_end_and_shows_what_was_cancelled(partners):
    order = partners.book(partners.offer("skyways")).json()
    partners.cancel("skyways")

    from_it = page_of(partners, booked_from=order["booked_at"]).json()["orders"]
    before_it = page_of(partners, booked_until=order["booked_at"]).json()["orders"]

    assert [found["status"] for found in from_it] == ["cancelled"]
    assert before_it == []


def test_a_tombstone_was_never_booked_and_is_not_listed(partners):
    partners.cancel("skyways", "never")

    assert page_of(partners).json()["orders"] == []


def test_a_partner_that_cannot_list_says_so(partners):
    answer = page_of(partners, "oldinn")
    directory = {p["slug"]: p for p in partners.http.get("/partners").json()["partners"]}

    assert (answer.status_code, answer.json()["code"]) == (405, "no_listing")
    assert (directory["oldinn"]["lists_orders"], directory["skyways"]["lists_orders"]) == (
        False,
        True,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"booked_from": "yesterday"},
        {"booked_until": "2026-01-01T00:00:00"},
        {"limit": "0"},
        {"limit": "101"},
    ],
    ids=str,
)
def test_a_window_that_makes_no_sense_is_refused(partners, wrong):
    answer = page_of(partners, **wrong)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def opened(processor, card="pm_card_visa"):
    return processor.v1.payment_intents.create(
        {"amount": 500, "currency": "eur", "capture_method": "manual", "payment_method": card}
    )


def test_payments_are_listed_by_the_second_of_their_creation(processor):
    intent = opened(processor)
    listed = processor.v1.payment_intents.list

    within = listed({"created": {"gte": intent.created, "lt": intent.created + 1}})
    before = listed({"created": {"lt": intent.created}})
    after = listed({"created": {"gt": intent.created, "lte": int(time.time()) + 60}})

    assert [found.id for found in within.data] == [intent.id]
    assert (before.data, after.data) == ([], [])


def test_a_window_of_payments_is_paged_like_the_whole(processor):
    made = [opened(processor).id for _ in range(3)]
    window = {"created": {"gte": int(time.time()) - 60}, "limit": 2}

    found = [intent.id for intent in processor.v1.payment_intents.list(window).auto_paging_iter()]

    assert found == made[::-1]


def test_the_charge_of_a_payment_tells_what_was_given_back(processor):
    intents = processor.v1.payment_intents
    intent = opened(processor)
    intents.confirm(intent.id)
    intents.capture(intent.id)
    processor.v1.refunds.create({"payment_intent": intent.id, "amount": 200})

    [listed] = intents.list({"expand": ["data.latest_charge"]}).data
    alone = intents.retrieve(intent.id, {"expand": ["latest_charge"]})

    assert listed.latest_charge.amount_refunded == alone.latest_charge.amount_refunded == 200
    assert listed.latest_charge.amount_captured == 500
    assert isinstance(intents.retrieve(intent.id).latest_charge, str)


def test_a_payment_without_a_charge_has_none_to_expand(processor):
    opened(processor)

    [listed] = processor.v1.payment_intents.list({"expand": ["data.latest_charge"]}).data

    assert listed.latest_charge is None
