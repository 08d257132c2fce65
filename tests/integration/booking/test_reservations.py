"""Search, compose, look."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from identity.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("partners")]


def search(client, **query):
    date = (timezone.now() + timedelta(days=30)).date().isoformat()
    return client.get("/api/v1/offers", {"date": date} | query)


@pytest.mark.parametrize(
    ("query", "partner"),
    [
        ({"kind": "flight", "origin": "LHR", "destination": "JFK"}, "SkyWays Airlines"),
        ({"kind": "stay", "place": "nyc", "nights": 3}, "RestWell Hotels"),
        ({"kind": "car", "place": "JFK", "days": 2}, "Wheelio Rent a Car"),
    ],
)
def test_offers_of_every_kind_are_found(ada, query, partner):
    found = search(ada, **query).json()

    assert partner in {offer["provider_name"] for offer in found["offers"]}
    assert {offer["kind"] for offer in found["offers"]} == {query["kind"]}
    assert found["unavailable_partners"] == []
    assert isinstance(found["offers"][0]["amount"], str)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({}, "kind"),
        ({"kind": "boat"}, "kind"),
        ({"kind": "flight", "origin": "LHR"}, "destination"),
        ({"kind": "flight", "origin": "LHR", "destination": "LHR"}, "destination"),
        ({"kind": "flight", "origin": "London", "destination": "JFK"}, "origin"),
        ({"kind": "flight", "origin": "LHR", "destination": "JFK", "nights": 2}, "nights"),
        ({"kind": "stay", "place": "NYC"}, "nights"),
        ({"kind": "stay", "place": "NYC", "nights": 0}, "nights"),
        ({"kind": "stay", "place": "NYC", "nights": "9" * 5000}, "nights"),
        ({"kind": "car", "place": "\x00AB", "days": 2}, "place"),
        ({"kind": "car", "place": "JFK", "days": 2, "date": "2020-01-01"}, "date"),
        ({"kind": "car", "place": "JFK", "days": 2, "date": "soon"}, "date"),
    ],
)
def test_a_bad_search_names_the_parameter(ada, query, parameter):
    answer = search(ada, **query)

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"
    assert parameter in {error["parameter"] for error in answer.json()["errors"]}


def test_a_place_that_nobody_knows_is_told(ada):
    answer = search(ada, kind="car", place="QQQ", days=2)

    assert answer.status_code == 400
    assert answer.json()["code"] == "unknown_place"


def test_an_offer_is_quoted_again(ada):
    offer = ada.offer()

    quoted = ada.send(f"offers/{offer['offer_id']}/quote")

    assert quoted.status_code == 200
    assert quoted.json()["amount"] == offer["amount"]


@pytest.mark.parametrize("offer_id", ["skyways:off_unknown", "nobody:off_1"])
def test_an_unknown_offer_is_not_found(ada, offer_id):
    assert ada.send(f"offers/{offer_id}/quote").json()["code"] == "offer_not_found"
    trip = ada.trip({"offer_id": offer_id, "amount": "10.00", "currency": "EUR"})
    assert ada.send("reservations", trip).json()["code"] == "offer_not_found"


def test_who_asks_a_partner_that_is_away_is_told_when_to_come_back(ada, books):
    offer = ada.offer(partner="skyways")
    books.outage("skyways", "down")

    answer = ada.send(f"offers/{offer['offer_id']}/quote")

    assert (answer.status_code, answer.json()["code"]) == (503, "partner_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_composed_reservation_is_shown_whole(ada):
    flight, stay = ada.offer(), ada.offer(kind="stay")

    answer = ada.send("reservations", ada.trip(flight, stay))

    page = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == page["links"]["self"]
    assert ada.get(answer.headers["Location"]).json() == page
    assert page["status"] == "draft"
    assert [item["provider"]["name"] for item in page["items"]] == [
        flight["provider_name"],
        stay["provider_name"],
    ]
    assert page["items"][0]["details"] == flight["details"]
    assert page["travellers"][0]["born_on"] == "1990-05-17"
    assert page["payment"] is page["progress"] is page["items"][0]["order"] is None


def test_a_price_that_changed_is_put_to_the_customer(ada):
    offer = ada.offer()
    seen = offer | {"amount": "1.00"}

    answer = ada.send("reservations", ada.trip(seen))

    assert answer.status_code == 409
    assert answer.json()["code"] == "price_changed"
    assert answer.json()["offers"][0]["amount"] == offer["amount"]
    assert ada.get("/api/v1/reservations").json()["reservations"] == []


def test_the_traveller_accepts_the_new_price_by_sending_it(ada):
    offer = ada.offer()
    refused = ada.send("reservations", ada.trip(offer | {"amount": "1.00"})).json()

    answer = ada.send("reservations", ada.trip(*refused["offers"]))

    assert answer.status_code == 201
    assert answer.json()["amount"] == offer["amount"]


def test_another_travellers_reservation_is_as_good_as_none(ada, eve):
    page = ada.composed()
    unknown = str(uuid.uuid4())

    for path, method in [
        ("", "get"),
        ("/timeline", "get"),
        ("/payment", "put"),
        ("/confirm", "post"),
        ("/cancel", "post"),
    ]:
        answers = [
            eve.send(
                f"reservations/{one}{path}", {"method": "pm_card_visa"}, key="k", method=method
            )
            if method != "get"
            else eve.get(f"/api/v1/reservations/{one}{path}")
            for one in (page["id"], unknown)
        ]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert {answer.json()["code"] for answer in answers} == {"reservation_not_found"}
    assert eve.get("/api/v1/reservations").json()["reservations"] == []
    assert ada.get(page["links"]["self"]).json() == page


@pytest.mark.parametrize("path", ["accounts/me", "reservations", "offers", "tokens"])
def test_nothing_is_shown_without_a_token(path):
    answer = APIClient().get(f"/api/v1/{path}")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"


def test_staff_cannot_compose(ada):
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("boss@example.com", "x"))

    answer = client.post("/api/v1/reservations", ada.trip(ada.offer()), format="json")

    assert answer.json()["code"] == "not_a_traveller"


def test_the_list_goes_on_where_the_last_page_ended(ada):
    items = ada.trip(ada.offer())
    composed = [ada.send("reservations", items).json()["id"] for _ in range(5)]

    url, seen = "/api/v1/reservations?limit=2", []
    while url:
        answer = ada.get(url).json()
        seen += [one["id"] for one in answer["reservations"]]
        url = answer["next"]

    assert seen == composed[::-1]
    assert ada.get("/api/v1/reservations").json()["next"] is None


def test_what_is_composed_while_somebody_pages_shifts_nothing(ada):
    items = ada.trip(ada.offer())
    composed = [ada.send("reservations", items).json()["id"] for _ in range(3)]

    first = ada.get("/api/v1/reservations?limit=2").json()
    ada.send("reservations", items)
    rest = ada.get(first["next"]).json()

    seen = [one["id"] for page in (first, rest) for one in page["reservations"]]
    assert seen == composed[::-1]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"cursor": "x"}, "cursor_invalid"),
        ({"cursor": "\u00e9"}, "cursor_invalid"),
        ({"cursor": "MjAyNi0wMS0wMXx4"}, "cursor_invalid"),
        ({"limit": 0}, "invalid_request"),
        ({"limit": 201}, "invalid_request"),
        ({"limit": "x"}, "invalid_request"),
    ],
)
def test_a_bad_page_request_is_refused(ada, query, code):
    answer = ada.get("/api/v1/reservations", query)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_the_page_costs_as_many_queries_whatever_its_size(ada, django_assert_num_queries):
    small = ada.composed()["links"]["self"]
    large = ada.composed(ada.offer(), ada.offer(kind="stay"), ada.offer(kind="car"))["links"][
        "self"
    ]

    with django_assert_num_queries(9):
        ada.get(small)
    with django_assert_num_queries(9):
        ada.get(large)
