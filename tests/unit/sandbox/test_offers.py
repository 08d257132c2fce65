"""Offers: real places, steady prices, clear answers to nonsense."""

import datetime
import sqlite3

import pytest

from sandbox import magic


def test_a_search_lists_ordinary_offers_then_one_of_each_magic_product(partners):
    products = [offer["product"] for offer in partners.search("skyways").json()["offers"]]

    assert products[:3] == ["standard", "flex", "saver"]
    assert products[3:] == [row.name for row in magic.PRODUCTS]


def test_magic_products_can_be_left_out(partners):
    offers = partners.search("wheelio", magic="no").json()["offers"]

    assert [offer["product"] for offer in offers] == ["standard", "flex", "saver"]


@pytest.mark.parametrize(
    "slug", ["skyways", "restwell", "wheelio", "budgetair", "oldinn", "dialacar"]
)
def test_the_same_search_has_the_same_price_and_another_id(partners, slug):
    first, second = partners.offer(slug), partners.offer(slug)

    assert first["amount"] == second["amount"]
    assert first["id"] != second["id"]
    assert (first["partner"], first["currency"]) == (slug, "EUR")


def test_a_flight_lands_in_the_zone_of_its_destination(partners):
    offer = partners.offer("skyways")

    assert (offer["starts_zone"], offer["ends_zone"]) == ("Europe/London", "America/New_York")
    wall_time = datetime.datetime.fromisoformat(
        offer["ends_at_local"]
    ) - datetime.datetime.fromisoformat(offer["starts_at_local"])
    assert 1.5 <= wall_time.total_seconds() / 3600 <= 4.5


def test_a_city_code_is_a_place_to_stay(partners):
    offer = partners.offer("restwell")

    assert offer["starts_zone"] == "America/New_York"
    assert offer["details"]["nights"] == 3
    assert "New York" in offer["details"]["property"]


def test_a_price_in_yen_has_no_decimals(partners):
    offer = partners.search("wheelio", currency="JPY").json()["offers"][0]

    assert offer["currency"] == "JPY"
    assert "." not in offer["amount"]


def test_the_policy_depends_on_the_product(partners):
    percents = {
        product: [
            rule["refund_percent"]
            for rule in partners.offer("skyways", product)["cancellation_policy"]
        ]
        for product in ("standard", "flex", "saver")
    }

    assert percents == {"standard": [100, 50], "flex": [100], "saver": []}


@pytest.mark.parametrize(
    ("slug", "changes", "status", "code"),
    [
        ("skyways", {"origin": "QQQ"}, 404, "unknown_place"),
        ("skyways", {"origin": ""}, 404, "unknown_place"),
        ("skyways", {"destination": "LHR"}, 400, "invalid_request"),
        ("skyways", {"date": "2020-01-01"}, 400, "invalid_request"),
        ("skyways", {"date": "2027-02-30"}, 400, "invalid_request"),
        ("skyways", {"date": "soon"}, 400, "invalid_request"),
        ("skyways", {"date": "9999-12-31"}, 400, "invalid_request"),
        ("skyways", {"kind": "car"}, 400, "invalid_request"),
        ("restwell", {"nights": "0"}, 400, "invalid_request"),
        ("restwell", {"nights": "²"}, 400, "invalid_request"),
        ("restwell", {"currency": "XXX"}, 400, "invalid_request"),
    ],
)
def test_nonsense_is_refused_with_a_code(partners, slug, changes, status, code):
    answer = partners.search(slug, **changes)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_unknown_partner_is_not_found(partners):
    answer = partners.http.get("/partners/nobody/offers")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_partner")


def test_a_wrong_key_is_turned_away(partners):
    answer = partners.http.get("/partners", headers={"Authorization": "Bearer wrong"})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")


def test_the_directory_names_every_partner_with_its_class(partners):
    found = partners.http.get("/partners").json()["partners"]

    assert {partner["slug"]: partner["idempotency"] for partner in found} == {
        "skyways": "A",
        "restwell": "A",
        "wheelio": "A",
        "budgetair": "B",
        "oldinn": "C",
        "dialacar": "D",
    }


def test_a_quote_of_nothing_is_not_found(partners):
    answer = partners.quote({"partner": "skyways", "id": "off_nothing"})

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_offer")


def test_an_expired_offer_is_neither_quoted_nor_booked(partners, ledger_path):
    offer = partners.offer("skyways")
    with sqlite3.connect(ledger_path) as db:
        db.execute("UPDATE offers SET expires_at = '2020-01-01T00:00:00+00:00'")

    quoted, booked = partners.quote(offer), partners.book(offer)

    assert (quoted.status_code, quoted.json()["code"]) == (410, "offer_expired")
    assert (booked.status_code, booked.json()["code"]) == (409, "offer_expired")
