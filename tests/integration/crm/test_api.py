"""The API of CRM: what a provider's staff see and write, and nobody else."""

import uuid

import pytest
from django.db import DatabaseError, transaction

from crm.models import Consent, Interaction, Note, Role
from tests.integration.crm.desk import api_of
from tests.integration.crm.story import (
    ACCOUNT,
    AIRLINE,
    HOTEL,
    OTHER_ACCOUNT,
    Story,
    leg,
    tell_all,
)

pytestmark = pytest.mark.django_db
CUSTOMER = f"customers/{ACCOUNT}"
PATHS = [
    CUSTOMER,
    *(f"{CUSTOMER}/{name}" for name in ("timeline", "preferences", "notes", "messages")),
]
TRIP_MAIL = {"purpose": "transactional", "subject": "Your trip", "body": "Bon voyage."}
OPT_IN = {"channel": "email", "purpose": "marketing", "granted": True}


@pytest.fixture(autouse=True)
def trips():
    """One traveller of both providers, another of the hotel's only."""
    tell_all(Story().whole_trip().events)
    other = uuid.UUID(int=400)
    second = Story().account(OTHER_ACCOUNT, "Grace Hopper").captured(other)
    tell_all(
        second.confirmed(
            reservation_id=other, account_id=OTHER_ACCOUNT, legs=(leg(HOTEL, "80.00"),)
        ).events
    )


def test_a_customer_is_shown_with_figures_of_this_provider_only():
    status, body = api_of(HOTEL).get(CUSTOMER)

    assert status == 200
    assert body["email"] == "ada@example.com"
    assert body["confirmed_trips"] == 1
    assert body["lifetime_value"] == [{"amount": "200.0000", "currency": "EUR"}]


def test_each_provider_lists_its_own_customers_latest_booking_first():
    hotel, airline = api_of(HOTEL, email="h@example.com"), api_of(AIRLINE, email="a@example.com")

    names = [
        [c["full_name"] for c in desk.get("customers")[1]["results"]] for desk in (hotel, airline)
    ]

    assert sorted(names[0]) == ["Ada Lovelace", "Grace Hopper"]
    assert names[1] == ["Ada Lovelace"]


@pytest.mark.parametrize("path", [path.replace(str(ACCOUNT), str(OTHER_ACCOUNT)) for path in PATHS])
def test_another_provider_s_customer_does_not_exist(path):
    status, body = api_of(AIRLINE).get(path)

    assert (status, body["code"]) == (404, "customer_unknown")


@pytest.mark.parametrize("path", ["customers", *PATHS])
def test_a_login_without_membership_sees_nothing(path):
    status, body = api_of().get(path)

    assert (status, body["code"]) == (403, "no_membership")


@pytest.mark.parametrize("path", ["providers", "customers", *PATHS])
def test_without_a_token_nothing_is_said(path, client):
    assert client.get(f"/api/v1/crm/{path}").status_code == 401


def test_nothing_written_about_a_foreign_customer():
    desk = api_of(AIRLINE)
    foreign = f"customers/{OTHER_ACCOUNT}"

    answers = [
        desk.post(f"{foreign}/notes", {"text": "hello"}),
        desk.post(f"{foreign}/messages", {"purpose": "service", "subject": "a", "body": "b"}),
        desk.put(f"{foreign}/preferences", {"preferences": [OPT_IN]}),
    ]

    assert [status for status, _ in answers] == [404, 404, 404]
    assert not Note.objects.exists()
    assert not Consent.objects.exists()


def test_notes_and_preferences_stay_with_the_provider_that_wrote_them():
    hotel, airline = api_of(HOTEL, email="h@example.com"), api_of(AIRLINE, email="a@example.com")
    hotel.post(f"{CUSTOMER}/notes", {"text": "Likes quiet rooms."})
    hotel.put(f"{CUSTOMER}/preferences", {"preferences": [OPT_IN]})

    assert len(hotel.get(f"{CUSTOMER}/notes")[1]["results"]) == 1
    assert airline.get(f"{CUSTOMER}/notes")[1]["results"] == []
    assert airline.get(f"{CUSTOMER}/preferences")[1] == {"preferences": []}
    shown = [entry["kind"] for entry in airline.get(f"{CUSTOMER}/timeline")[1]["results"]]
    assert shown == ["trip_confirmed", "leg_booked"]


def test_a_login_of_several_providers_says_for_which_it_works():
    desk = api_of(AIRLINE, HOTEL)

    unnamed, named = desk.get("customers"), desk.get("customers", provider="restwell")
    foreign = desk.get("customers", provider="budgetair")

    assert (unnamed[0], unnamed[1]["code"]) == (400, "provider_required")
    assert (named[0], len(named[1]["results"])) == (200, 2)
    assert (foreign[0], foreign[1]["code"]) == (404, "provider_unknown")
    assert {row["slug"] for row in desk.get("providers")[1]["providers"]} == {"skyways", "restwell"}


def test_a_read_only_member_looks_and_does_not_write():
    desk = api_of(HOTEL, role=Role.READ_ONLY)

    assert desk.get(CUSTOMER)[0] == 200
    status, body = desk.post(f"{CUSTOMER}/notes", {"text": "hello"})
    assert (status, body["code"]) == (403, "read_only_member")


def test_a_note_repeated_with_its_key_is_kept_once():
    desk = api_of(HOTEL)

    first = desk.post(f"{CUSTOMER}/notes", {"text": "Likes quiet rooms."}, key="k1")
    again = desk.post(f"{CUSTOMER}/notes", {"text": "Likes quiet rooms."}, key="k1")
    other = desk.post(f"{CUSTOMER}/notes", {"text": "Something else."}, key="k1")

    assert first == again
    assert (other[0], other[1]["code"]) == (422, "idempotency_key_reused")
    assert Note.objects.count() == 1


@pytest.mark.parametrize("what", ["notes", "messages"])
def test_what_is_repeated_with_its_key_says_so(what):
    body = {"text": "Likes quiet rooms."} if what == "notes" else TRIP_MAIL
    desk, path = api_of(HOTEL), f"/api/v1/crm/{CUSTOMER}/{what}"
    headers = {"Idempotency-Key": "k1"}

    first, again = (desk.client.post(path, body, format="json", headers=headers) for _ in range(2))
    bad = desk.client.post(path, body, format="json", headers={"Idempotency-Key": "a b"})

    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json()["id"] == again.json()["id"]
    assert (bad.status_code, bad.json()["code"]) == (400, "idempotency_key_invalid")


def test_preferences_are_a_ledger_that_grows_only_with_news():
    desk = api_of(HOTEL)
    desk.put(f"{CUSTOMER}/preferences", {"preferences": [OPT_IN]})
    desk.put(f"{CUSTOMER}/preferences", {"preferences": [OPT_IN]})

    status, body = desk.put(
        f"{CUSTOMER}/preferences", {"preferences": [{**OPT_IN, "granted": False}]}
    )

    assert status == 200
    assert [row["granted"] for row in body["preferences"]] == [False]
    assert body["preferences"][0]["via"] == "staff"
    assert [row.granted for row in Consent.objects.order_by("id")] == [True, False]


@pytest.mark.parametrize(
    ("preferences", "code"),
    [
        ([{**OPT_IN, "purpose": "transactional"}], "preference_not_a_choice"),
        ([{**OPT_IN, "channel": "pigeon"}], "invalid_request"),
        ([OPT_IN, {**OPT_IN, "granted": False}], "invalid_request"),
        ("yes", "invalid_request"),
    ],
)
def test_preferences_that_make_no_sense_are_refused(preferences, code):
    status, body = api_of(HOTEL).put(f"{CUSTOMER}/preferences", {"preferences": preferences})

    assert (status, body["code"]) == (400, code)
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            {"purpose": "service", "subject": "Hi", "body": "there", "channel": "sms"},
            "channel_unsupported",
        ),
        ({"purpose": "spam", "subject": "Hi", "body": "there"}, "invalid_request"),
        ({"purpose": "service", "subject": "x" * 201, "body": "there"}, "invalid_request"),
        ({"purpose": "service", "body": "there"}, "invalid_request"),
        ({"purpose": "service", "subject": "nul \x00", "body": "there"}, "malformed_body"),
    ],
)
def test_a_message_that_cannot_be_sent_is_refused(message, code):
    status, body = api_of(HOTEL).post(f"{CUSTOMER}/messages", message)

    assert (status, body["code"]) == (400, code)


def test_a_message_is_queued_and_listed():
    desk = api_of(HOTEL)

    status, body = desk.post(
        f"{CUSTOMER}/messages",
        {"purpose": "service", "subject": "Hi\r\nBcc: x@y.z", "body": "there"},
    )

    assert (status, body["status"], body["subject"]) == (202, "queued", "Hi Bcc: x@y.z")
    assert body["id"] in {row["id"] for row in desk.get(f"{CUSTOMER}/messages")[1]["results"]}


def test_pages_follow_each_other_without_gap_or_repeat():
    desk = api_of(HOTEL)
    for number in range(7):
        desk.post(f"{CUSTOMER}/notes", {"text": f"note {number}"})

    texts, page = [], desk.get(f"{CUSTOMER}/notes", limit=3)[1]
    texts += [row["text"] for row in page["results"]]
    while page["next"]:
        # What is added meanwhile is newer than every page that follows.
        desk.post(f"{CUSTOMER}/notes", {"text": "added meanwhile"})
        page = desk.client.get(page["next"]).json()
        texts += [row["text"] for row in page["results"]]

    assert texts == [f"note {number}" for number in reversed(range(7))]


@pytest.mark.parametrize("cursor", ["nonsense", "cD1ub3RhZGF0ZQ==", "cD0yMDI2LTEzLTAx", "%00"])
@pytest.mark.parametrize("path", ["customers", f"{CUSTOMER}/timeline"])
def test_a_cursor_that_no_page_gave_out_is_refused(path, cursor):
    status, body = api_of(HOTEL).get(path, cursor=cursor)

    assert (status, body["code"]) == (400, "invalid_request")


def test_customers_are_found_by_a_part_of_their_name_and_bad_text_is_refused():
    desk = api_of(HOTEL)

    found = desk.get("customers", search="hopp")[1]["results"]

    assert [row["full_name"] for row in found] == ["Grace Hopper"]
    assert desk.get("customers", search="a\x00b")[0] == 400


@pytest.mark.parametrize("change", ["update", "delete"])
@pytest.mark.parametrize("model", [Consent, Interaction])
def test_the_database_keeps_ledger_and_own_entries_of_the_timeline(model, change):
    api_of(HOTEL).put(f"{CUSTOMER}/preferences", {"preferences": [OPT_IN]})
    rows = model.objects.filter(**({"source_event_id": None} if model is Interaction else {}))

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.delete() if change == "delete" else rows.update(provider=AIRLINE)
