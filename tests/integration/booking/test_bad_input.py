"""Whatever is sent, the answer is a problem document and nothing is stored."""

import json

import pytest

from booking.models import IdempotencyRecord
from reservation import services as reservation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("partners")]
OFFER = {"offer_id": "skyways:off_1", "amount": "10.00", "currency": "EUR"}
TRAVELLER = {"given_name": "Ada", "family_name": "Trip"}


def trip(**changes):
    return {"offers": [OFFER], "travellers": [TRAVELLER], **changes}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/offers"),
        (trip(offers=[]), "#/offers"),
        (trip(offers=None), "#/offers"),
        (trip(offers="x"), "#/offers"),
        (trip(offers=[OFFER, OFFER]), "#/offers"),
        (trip(offers=[OFFER] * 11), "#/offers"),
        (trip(offers=["x"]), "#/offers/0"),
        (trip(offers=[OFFER | {"offer_id": "no-colon"}]), "#/offers/0/offer_id"),
        (trip(offers=[OFFER | {"offer_id": "a:" + "b" * 1000}]), "#/offers/0/offer_id"),
        (trip(offers=[OFFER | {"amount": "much"}]), "#/offers/0/amount"),
        (trip(offers=[OFFER | {"amount": -1}]), "#/offers/0/amount"),
        (trip(offers=[OFFER | {"amount": "1e999999"}]), "#/offers/0/amount"),
        (trip(offers=[OFFER | {"amount": "NaN"}]), "#/offers/0/amount"),
        (trip(offers=[OFFER | {"amount": True}]), "#/offers/0/amount"),
        (trip(offers=[OFFER | {"amount": []}]), "#/offers/0/amount"),
        (trip(offers=[OFFER | {"currency": "euro"}]), "#/offers/0/currency"),
        (trip(offers=[OFFER | {"currency": "eur"}]), "#/offers/0/currency"),
        (trip(travellers=[]), "#/travellers"),
        (trip(travellers=[TRAVELLER] * 10), "#/travellers"),
        (trip(travellers=[{}]), "#/travellers/0/given_name"),
        (trip(travellers=[TRAVELLER | {"given_name": " "}]), "#/travellers/0/given_name"),
        (trip(travellers=[TRAVELLER | {"given_name": "x" * 101}]), "#/travellers/0/given_name"),
        (trip(travellers=[TRAVELLER | {"born_on": "1990-02-30"}]), "#/travellers/0/born_on"),
        (trip(travellers=[TRAVELLER | {"born_on": "2990-01-01"}]), "#/travellers/0/born_on"),
        (trip(travellers=[TRAVELLER | {"born_on": 1.5}]), "#/travellers/0/born_on"),
        (trip(travellers=[TRAVELLER | {"kind": "dog"}]), "#/travellers/0/kind"),
    ],
)
def test_a_bad_trip_is_refused_at_the_place_that_is_wrong(ada, body, pointer):
    answer = ada.send("reservations", body, key="bad")

    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "invalid_request"
    assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"])
    assert reservation.of_account(account_id=ada.account_id) == []
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize("path", ["accounts", "reservations", "offers/skyways:off_1/quote"])
@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_body"),
        (b"[1]", "application/json", 400, "malformed_body"),
        (b'"text"', "application/json", 400, "malformed_body"),
        (b'{"a": "\\u0000"}', "application/json", 400, "malformed_body"),
        (b'{"a": "\\ud800"}', "application/json", 400, "malformed_body"),
        (b'{"a": 1, "a": 1}', "application/json", 400, "malformed_body"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "application/json", 400, "malformed_body"),
        (b"[" * 200_000, "application/json", 400, "malformed_body"),
        (b"\xff\xfe", "application/json", 400, "malformed_body"),
        (json.dumps({"a": "b" * 300_000}).encode(), "application/json", 413, "body_too_large"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"<a/>", "application/xml", 415, "unsupported_media_type"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_an_unreadable_body_is_refused_everywhere(ada, path, body, content_type, status, code):
    answer = ada.generic(
        "POST",
        f"/api/v1/{path}",
        body,
        content_type=content_type,
        headers={"Idempotency-Key": "bad"},
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "reservations/1",
        "reservations/%00",
        "reservations/../../etc",
        "offers/x%00:y/quote",
        "offers/nocolon/quote",
        "reservations/" + "9" * 5000,
    ],
)
def test_an_impossible_path_is_not_found(ada, path):
    answer = ada.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [
        ("4242424242424242", 400, "card_number_refused"),
        ("pm_4242424242424242", 400, "card_number_refused"),
        ("4242 4242 4242 4242", 400, "card_number_refused"),
        ("visa", 400, "payment_details_refused"),
        ("", 400, "invalid_request"),
        (None, 400, "invalid_request"),
    ],
)
def test_a_card_number_is_never_taken_and_never_repeated(ada, method, status, code):
    page = ada.composed()

    answer = ada.send(f"reservations/{page['id']}/payment", {"method": method}, method="put")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    # Twice four: an id of the request may hold four by chance.
    assert "42424242" not in answer.content.decode().replace(" ", "")
