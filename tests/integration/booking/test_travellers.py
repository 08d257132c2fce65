"""Who travels can be changed until a trip is confirmed."""

import pytest

from reservation.models import Traveller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("partners")]
GRACE = {"given_name": "Grace", "family_name": "Hopper", "born_on": "1986-12-09", "kind": "adult"}
ALAN = {"given_name": "Alan", "family_name": "Trip", "born_on": None, "kind": "child"}


def change(ada, page, *travellers):
    path = f"reservations/{page['id']}/travellers"
    return ada.send(path, {"travellers": list(travellers)}, method="put")


def test_others_travel_in_place_of_those_who_were_to(ada):
    page, other = ada.composed(), ada.composed()

    answer = change(ada, page, GRACE, ALAN)

    assert answer.status_code == 200
    assert answer.json()["travellers"] == [GRACE, ALAN]
    assert ada.get(page["links"]["self"]).json() == answer.json()
    assert answer.json()["updated_at"] > page["updated_at"]
    assert ada.get(other["links"]["self"]).json() == other


def test_the_partner_is_told_who_travels_now(ada, books):
    page = ada.composed(ada.offer(partner="skyways"), card="pm_card_visa")
    change(ada, page, GRACE)

    ada.send(f"reservations/{page['id']}/confirm", key="k1")
    saga = books.work(page["id"])

    [booking] = [call for call in saga.calls.all() if call.step == "book"]
    assert "Hopper" in str(booking.request)
    assert "Ada" not in str(booking.request)
    assert ada.get(page["links"]["self"]).json()["status"] == "confirmed"


def test_nobody_is_changed_once_the_trip_is_being_confirmed(ada, books):
    page = ada.composed(card="pm_card_visa")
    ada.send(f"reservations/{page['id']}/confirm", key="k1")

    confirming = change(ada, page, GRACE)
    books.work(page["id"])
    confirmed = change(ada, page, GRACE)

    for answer in (confirming, confirmed):
        assert (answer.status_code, answer.json()["code"]) == (409, "travellers_closed")
    assert [one.given_name for one in Traveller.objects.all()] == ["Ada"]


def test_after_a_failed_attempt_others_may_travel(ada, books):
    page = ada.composed(card="pm_card_chargeDeclined")
    ada.send(f"reservations/{page['id']}/confirm", key="k1")
    books.work(page["id"])

    answer = change(ada, page, GRACE)

    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert answer.json()["travellers"] == [GRACE]


@pytest.mark.parametrize(
    ("travellers", "pointer"),
    [
        ([], "#/travellers"),
        ([GRACE] * 10, "#/travellers"),
        ([GRACE | {"family_name": ""}], "#/travellers/0/family_name"),
        ([GRACE, ALAN | {"born_on": "2999-01-01"}], "#/travellers/1/born_on"),
    ],
)
def test_bad_travellers_are_named_and_nobody_is_changed(ada, travellers, pointer):
    page = ada.composed()

    answer = change(ada, page, *travellers)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert [one.given_name for one in Traveller.objects.all()] == ["Ada"]
