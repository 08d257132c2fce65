"""Orders: what each class of partner promises about repeated calls."""

import json
from concurrent import futures

import pytest


@pytest.mark.parametrize("slug", ["skyways", "budgetair"])
def test_the_same_key_books_once(partners, slug):
    offer = partners.offer(slug)

    first, second = partners.book(offer), partners.book(offer)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert [order["booked_count"] for order in partners.ledger("r1")["orders"]] == [1]


@pytest.mark.parametrize("slug", ["skyways", "budgetair"])
def test_the_same_key_with_another_body_is_refused(partners, slug):
    offer = partners.offer(slug)
    partners.book(offer)

    answer = partners.book(offer, reference="r2/leg")

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")


def test_class_a_never_books_a_cancelled_key_again(partners):
    offer = partners.offer("skyways")
    partners.book(offer)
    partners.cancel("skyways")

    answer = partners.book(offer)

    assert (answer.status_code, answer.json()["code"]) == (409, "cancelled")
    assert partners.get("skyways").json()["status"] == "cancelled"


def test_class_a_leaves_a_tombstone_for_a_key_that_it_never_saw(partners):
    offer = partners.offer("restwell")

    tombstone = partners.cancel("restwell", "never")
    answer = partners.book(offer, "never")

    assert (tombstone.status_code, tombstone.json()["status"]) == (200, "cancelled")
    assert (answer.status_code, answer.json()["code"]) == (409, "cancelled")
    assert partners.ledger("never")["orders"][0]["booked_count"] == 0


def test_class_b_books_a_cancelled_key_again(partners):
    offer = partners.offer("budgetair")
    partners.book(offer)
    partners.cancel("budgetair")

    again = partners.book(offer)

    assert (again.status_code, again.json()["status"]) == (201, "confirmed")
    assert partners.ledger("r1")["orders"][0]["booked_count"] == 2


@pytest.mark.parametrize("slug", ["budgetair", "oldinn"])
def test_classes_b_and_c_do_not_know_a_key_that_they_never_saw(partners, slug):
    answer = partners.cancel(slug, "never")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_class_d_books_at_every_call_and_cannot_be_asked(partners):
    offer = partners.offer("dialacar")

    first = partners.book(offer, None)
    partners.book(offer, None)
    asked = [
        partners.get("dialacar", first.json()["id"]),
        partners.http.get("/partners/dialacar/orders", params={"reference": "r1/leg"}),
    ]
    cancelled = partners.cancel("dialacar", first.json()["id"])

    assert [answer.json()["code"] for answer in asked] == ["cannot_be_asked"] * 2
    assert cancelled.json()["status"] == "cancelled"
    states = [order["status"] for order in partners.ledger("r1")["orders"]]
    assert sorted(states) == ["cancelled", "confirmed"]


def test_class_c_books_at_every_call_and_is_found_by_reference(partners):
    offer = partners.offer("oldinn")

    first = partners.book(offer, None)
    partners.book(offer, None)
    cancelled = partners.cancel("oldinn", first.json()["id"])

    path = "/partners/oldinn/orders"
    found = partners.http.get(path, params={"reference": "r1/leg"}).json()["orders"]
    assert [order["status"] for order in found] == ["cancelled", "confirmed"]
    assert cancelled.json()["status"] == "cancelled"


def test_each_class_takes_orders_in_its_own_way_only(partners):
    keyed = partners.book(partners.offer("oldinn"), "k1")
    unkeyed = partners.book(partners.offer("skyways"), None)

    assert (keyed.status_code, unkeyed.status_code) == (405, 405)
    assert partners.ledger()["orders"] == []


def test_cancelling_twice_is_the_same_as_once(partners):
    partners.book(partners.offer("wheelio"))

    first, second = partners.cancel("wheelio"), partners.cancel("wheelio")

    assert first.json() == second.json()


def test_an_amount_that_is_not_the_price_is_refused_with_the_price(partners):
    offer = partners.offer("skyways")

    answer = partners.book(offer, amount="0.01")

    assert (answer.status_code, answer.json()["code"]) == (409, "price_changed")
    assert answer.json()["amount"] == offer["amount"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 12},
        {"amount": "NaN"},
        {"currency": None},
        {"reference": ""},
        {"travellers": []},
        {"travellers": ["Ada"]},
        {"travellers": [{"given_name": "Ada"}]},
        {"travellers": [{"given_name": "Ada", "family_name": "B", "born_on": "1815"}]},
    ],
)
def test_a_malformed_order_is_refused_and_does_nothing(partners, changes):
    answer = partners.book(partners.offer("skyways"), **changes)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert partners.ledger()["orders"] == []


def test_half_a_surrogate_pair_is_refused_before_it_reaches_the_ledger(partners):
    travellers = [{"given_name": "Ada", "family_name": "Byron"}]
    order = {"offer_id": "off_1", "amount": "1", "currency": "EUR", "travellers": travellers}
    body = json.dumps(order | {"reference": "\ud800"})

    answer = partners.http.put("/partners/skyways/orders/k1", content=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "surrogate" in answer.json()["detail"]


def test_an_unknown_order_is_not_found(partners):
    answer = partners.get("skyways", "never")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_ledger_is_filtered_by_the_beginning_of_the_reference_without_wildcards(partners):
    partners.book(partners.offer("skyways"), "k1", reference="r1/flight")
    partners.book(partners.offer("wheelio"), "k2", reference="r2/car")

    assert [order["reference"] for order in partners.ledger("r2")["orders"]] == ["r2/car"]
    assert partners.ledger("r_")["orders"] == []
    assert len(partners.ledger()["orders"]) == 2


def test_calls_with_one_key_at_the_same_time_book_once(partners):
    offer = partners.offer("skyways")

    with futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: partners.book(offer), range(16)))

    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert len({answer.json()["confirmation_code"] for answer in answers}) == 1
    assert partners.http.get("/ledger/totals").json()["booked_count"] == 1


def test_the_ledger_has_every_call_and_what_came_of_it(partners):
    partners.book(partners.offer("skyways"))
    partners.cancel("skyways")

    calls = partners.ledger("r1")["calls"]

    assert [(call["method"], call["status"], call["effect"]) for call in calls] == [
        ("PUT", 201, "booked"),
        ("DELETE", 200, "cancelled"),
    ]


def test_an_outage_stops_one_partner_and_no_other(partners):
    partners.http.post("/control/outage", json={"partner": "skyways", "mode": "down"})

    assert partners.search("skyways").status_code == 500
    assert partners.search("wheelio").status_code == 200


def test_an_outage_of_nobody_is_refused(partners):
    answer = partners.http.post("/control/outage", json={"partner": "x", "mode": "down"})

    assert answer.status_code == 400
