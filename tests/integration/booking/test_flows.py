"""Payment details, confirm, cancel, as the API tells them."""

import pytest

from booking import tasks
from booking.orchestrator import engine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("partners")]


@pytest.fixture
def no_worker(monkeypatch):
    """Lose every dispatch."""
    monkeypatch.setattr(tasks, "dispatch", lambda saga_id: True)


@pytest.fixture
def instant_worker(monkeypatch):
    """Run a saga as far as it goes, where it is dispatched."""

    def run(saga_id):
        for _ in range(20):
            engine.advance(saga_id)
        return True

    monkeypatch.setattr(tasks, "dispatch", run)


def confirm(ada, page, key, **headers):
    return ada.send(f"reservations/{page['id']}/confirm", key=key, **headers)


@pytest.mark.usefixtures("no_worker")
class TestAccepted:
    """What is answered while nobody works."""

    def test_confirming_is_accepted_with_a_place_to_look(self, ada, key):
        page = ada.composed(card="pm_card_visa")

        answer = confirm(ada, page, key)

        assert answer.status_code == 202
        assert answer.headers["Location"] == page["links"]["self"]
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["status"] == "confirming"
        shown = ada.get(answer.headers["Location"]).json()
        assert shown["status"] == "confirming"
        assert shown["progress"]["state"] == "running"
        assert {call["step"] for call in shown["progress"]["calls"]} >= {
            "hold",
            "authorise",
            "book",
        }

    def test_the_same_confirmation_twice_is_one_flow_and_one_answer(self, ada, key):
        page = ada.composed(card="pm_card_visa")

        first, again = confirm(ada, page, key), confirm(ada, page, key)

        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert again.headers["Location"] == first.headers["Location"]
        assert again.headers["Idempotent-Replayed"] == "true"
        timeline = ada.get(page["links"]["timeline"]).json()["timeline"]
        assert [entry["kind"] for entry in timeline] == ["started"]

    def test_confirming_without_payment_details_is_refused(self, ada, key):
        page = ada.composed()

        answer = confirm(ada, page, key)

        assert (answer.status_code, answer.json()["code"]) == (409, "payment_details_missing")
        assert ada.get(page["links"]["self"]).json()["status"] == "draft"

    def test_after_the_refusal_the_same_key_works(self, ada, key):
        page = ada.composed()
        confirm(ada, page, key)
        ada.send(f"reservations/{page['id']}/payment", {"method": "pm_card_visa"}, method="put")

        assert confirm(ada, page, key).status_code == 202

    def test_payment_details_are_closed_while_confirming(self, ada, key):
        page = ada.composed(card="pm_card_visa")
        confirm(ada, page, key)

        answer = ada.send(
            f"reservations/{page['id']}/payment", {"method": "pm_card_mastercard"}, method="put"
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "payment_details_closed")

    def test_payment_details_can_be_replaced_before(self, ada):
        page = ada.composed(card="pm_card_visa")

        answer = ada.send(
            f"reservations/{page['id']}/payment", {"method": "pm_card_mastercard"}, method="put"
        )

        assert answer.status_code == 200
        assert answer.json()["payment"]["amount"] == page["amount"]

    def test_a_draft_is_cancelled_at_once(self, ada, key):
        page = ada.composed()

        answer = ada.send(f"reservations/{page['id']}/cancel", key=key)

        assert answer.status_code == 200
        assert answer.json()["status"] == "cancelled"

    def test_a_preference_for_waiting_ends_with_accepted_when_nobody_works(self, ada, key):
        page = ada.composed(card="pm_card_visa")

        answer = confirm(ada, page, key, prefer="wait=1")

        assert answer.status_code == 202
        assert answer.headers["Preference-Applied"] == "wait=1"


@pytest.mark.usefixtures("instant_worker")
class TestOutcome:
    """What is answered when somebody works."""

    def test_the_outcome_comes_within_the_preferred_wait(self, ada, key):
        page = ada.composed(ada.offer(), ada.offer(kind="stay"), card="pm_card_visa")

        answer = confirm(ada, page, key, prefer="wait=5")

        shown = answer.json()
        assert answer.status_code == 200
        assert shown["status"] == "confirmed"
        assert shown["payment"]["captured_amount"] == page["amount"]
        assert all(item["order"]["confirmation_code"] for item in shown["items"])
        assert shown["progress"]["state"] == "completed"
        again = confirm(ada, page, key, prefer="wait=5")
        assert (again.status_code, again.content) == (200, answer.content)

    def test_the_timeline_tells_each_step_with_its_line_of_code(self, ada, key):
        page = ada.composed(card="pm_card_visa")
        confirm(ada, page, key, prefer="wait=5")

        timeline = ada.get(page["links"]["timeline"]).json()["timeline"]

        booked = next(entry for entry in timeline if entry["step"] == "book")
        assert booked["text"] == f"Booking {page['items'][0]['title']}: done."
        assert booked["code"].startswith("booking/sagas.py:")
        assert timeline[-1]["text"] == "Your trip is confirmed."

    def test_a_declined_card_fails_the_trip_and_a_second_attempt_can_be_made(self, ada, key):
        page = ada.composed(card="pm_card_chargeDeclined")

        failed = confirm(ada, page, key, prefer="wait=5").json()
        ada.send(f"reservations/{page['id']}/payment", {"method": "pm_card_visa"}, method="put")
        second = confirm(ada, page, key + "-2", prefer="wait=5").json()

        assert failed["status"] == "failed"
        assert failed["reason"] == "card_declined"
        assert second["status"] == "confirmed"

    def test_three_d_secure_is_put_to_the_customer(self, ada, key):
        page = ada.composed(card="pm_card_authenticationRequired")

        answer = confirm(ada, page, key, prefer="wait=5")

        assert answer.status_code == 202
        shown = ada.get(page["links"]["self"]).json()
        assert shown["progress"]["action"]["type"] == "3d_secure"
        assert shown["progress"]["action"]["url"].startswith("http")

    def test_a_confirmed_trip_cannot_be_confirmed_again(self, ada, key):
        page = ada.composed(card="pm_card_visa")
        confirm(ada, page, key, prefer="wait=5")

        answer = confirm(ada, page, key + "-2")

        assert (answer.status_code, answer.json()["code"]) == (409, "reservation_not_confirmable")
