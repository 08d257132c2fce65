"""What a traveller may do with what is kept about them: take it along, keep up with it, have it forgotten."""

from datetime import datetime

import pytest
from django.utils import timezone

from booking.models import Account
from reservation.models import Reservation
from tests.integration.booking.traveller import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("partners")]


@pytest.fixture(autouse=True)
def _nobody_works(monkeypatch):
    monkeypatch.setattr("booking.tasks.dispatch", lambda saga_id: True)


def test_one_s_data_is_all_there_and_nobody_else_s(ada, eve):
    trip, draft = ada.composed(card="pm_card_visa"), ada.composed()
    eve.composed()

    taken = ada.get("/api/v1/accounts/me/export").json()

    assert taken["account"] == ada.get("/api/v1/accounts/me").json()
    page = ada.get(f"/api/v1/reservations/{trip['id']}").json()
    assert [one["id"] for one in taken["reservations"]] == [trip["id"], draft["id"]]
    beside = {"progress", "cancellation"}
    assert taken["reservations"][0] == {k: v for k, v in page.items() if k not in beside}


def test_an_erased_traveller_is_forgotten_and_signed_out(ada):
    answer = ada.send("accounts/me/erase", {"password": PASSWORD})

    assert answer.status_code == 204
    assert ada.get("/api/v1/accounts/me").status_code == 401
    assert Account.objects.get().full_name == "erased"
    assert "ada" not in Account.objects.get().user.email


def test_a_stolen_token_is_not_enough_to_erase(ada):
    answer = ada.send("accounts/me/erase", {"password": "not the password"})

    assert (answer.status_code, answer.json()["code"]) == (401, "credentials_refused")
    assert ada.get("/api/v1/accounts/me").json()["full_name"] == "Ada Trip"


def test_nobody_is_erased_while_a_trip_is_being_booked(ada, key):
    page = ada.composed(card="pm_card_visa")
    ada.send(f"reservations/{page['id']}/confirm", key=key)

    answer = ada.send("accounts/me/erase", {"password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (409, "account_busy")


def test_the_payment_can_be_read_alone(ada):
    page, draft = ada.composed(card="pm_card_visa"), ada.composed()

    answer = ada.get(page["links"]["payment"])
    none = ada.get(draft["links"]["payment"])

    assert answer.json() == page["payment"]
    assert (answer.json()["status"], answer.json()["captured_amount"]) == ("ready", "0")
    assert (none.status_code, none.json()["code"]) == (404, "payment_not_found")


def test_only_what_changed_since_is_listed(ada):
    first, second = ada.composed(), ada.composed()
    since = second["updated_at"]
    Reservation.objects.filter(pk=first["id"]).update(version=2)

    found = ada.get("/api/v1/reservations", {"updated_since": since}).json()["reservations"]
    none = ada.get("/api/v1/reservations", {"updated_since": timezone.now().isoformat()}).json()

    assert [one["id"] for one in found] == [second["id"], first["id"]]
    assert datetime.fromisoformat(found[1]["updated_at"]) > datetime.fromisoformat(since)
    assert none["reservations"] == []


def test_the_next_page_asks_for_the_same(ada):
    for _ in range(3):
        ada.composed()
    since = "2020-01-01T00:00:00+00:00"

    page = ada.get("/api/v1/reservations", {"updated_since": since, "limit": 2}).json()
    rest = ada.get(page["next"]).json()

    assert "updated_since=2020-01-01T00%3A00%3A00%2B00%3A00" in page["next"]
    assert (len(page["reservations"]), len(rest["reservations"]), rest["next"]) == (2, 1, None)
