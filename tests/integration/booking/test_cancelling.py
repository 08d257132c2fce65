"""Cancelling at every stage, over HTTP: what is answered, and what is true in the end."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from booking import confirmation, domain, tasks
from booking.domain import Stage
from booking.orchestrator import control, engine, moves, store
from booking.orchestrator.models import SagaInstance
from reservation import services as reservation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("partners")]


def forward(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('booking.clock_offset', %s, false)", [f"{seconds} seconds"]
        )


@pytest.fixture(autouse=True)
def _nobody_works(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Let the test be the only worker, with no patience for partners, and put the clock right again."""
    monkeypatch.setattr(tasks, "dispatch", lambda saga_id: True)
    settings.SAGA_CALL_SECONDS = 0.6
    yield
    forward(0)


@dataclass
class Trip:
    """A reservation on its way, and how far it is let go."""

    ada: Any
    id: UUID

    def work(self, *, turns: int = 1) -> SagaInstance:
        """Advance its newest flow as often as said, ten seconds apart, or until it rests."""
        saga = SagaInstance.objects.filter(subject_id=self.id).latest("created_at")
        for turn in range(turns):
            forward(10.0 * turn)
            engine.advance(saga.pk)
            saga.refresh_from_db()
            if saga.finished_at or saga.attention_reason:
                break
        return saga

    def confirm(self) -> None:
        answer = self.ada.send(f"reservations/{self.id}/confirm", key=f"confirm-{self.id}")
        assert answer.status_code == 202, answer.json()

    def cancel(self, key: str = "cancel") -> Any:
        return self.ada.send(f"reservations/{self.id}/cancel", key=f"{key}-{self.id}")

    def page(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ada.get(f"/api/v1/reservations/{self.id}").json()
        return found


@pytest.fixture
def begun(ada: Any) -> Callable[..., Trip]:
    """Return how to compose a trip that is paid with a card, and confirm it."""

    def begin(*, card: str = "pm_card_visa", confirm: bool = True, **products: str) -> Trip:
        offers = [
            ada.offer(kind=kind, product=product)
            for kind, product in (products or {"flight": "standard"}).items()
        ]
        trip = Trip(ada, UUID(ada.composed(*offers, card=card)["id"]))
        if confirm:
            trip.confirm()
        return trip

    return begin


def _draft(begun: Callable[..., Trip]) -> Trip:
    return begun(confirm=False)


def _draft_of_expired_offers(begun: Callable[..., Trip]) -> Trip:
    trip = begun(confirm=False)
    forward(3600)
    return trip


def _not_yet_begun(begun: Callable[..., Trip]) -> Trip:
    return begun()


def _waiting_for_the_customer(begun: Callable[..., Trip]) -> Trip:
    trip = begun(card="pm_card_authenticationRequired")
    trip.work()
    assert trip.page()["progress"]["action"]
    return trip


def _waiting_for_a_partner(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="standard", stay="error-once")
    trip.work()
    assert "unknown" in {call["state"] for call in trip.page()["progress"]["calls"]}
    return trip


def _past_its_deadline(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="standard", stay="error-once")
    trip.work()
    forward(3600)
    return trip


def _parked_before_the_payment(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="standard")
    moves.park(trip.work(turns=0).pk, "a test")
    return trip


def _payment_unanswered(begun: Callable[..., Trip]) -> Trip:
    trip = begun(card="pm_card_capture_timeout_after")
    assert trip.work().state == "pivoting"
    return trip


def _payment_parked(begun: Callable[..., Trip]) -> Trip:
    trip = _payment_unanswered(begun)
    moves.park(trip.work(turns=0).pk, "a test")
    return trip


def _paid_but_not_closed(begun: Callable[..., Trip]) -> Trip:
    trip = begun()

    def broken(self: object, call: object) -> None:
        raise RuntimeError("a bug")

    with pytest.MonkeyPatch.context() as bug:
        bug.setattr(reservation.Confirm, "apply", broken)
        assert trip.work().state == "finishing"
    return trip


def _turning_back(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="cancel-fails-once", stay="sold-out")
    assert trip.work().state == "compensating"
    return trip


def _turning_back_parked(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="cancel-refused", stay="sold-out")
    assert trip.work(turns=9).attention_reason
    return trip


def _confirmed(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="flex", stay="saver")
    assert trip.work(turns=9).state == "completed"
    return trip


def _cancelling(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="flex", stay="cancel-fails-once")
    trip.work(turns=9)
    forward(0)
    assert trip.cancel("first").status_code == 202
    assert trip.work().state == "pivoting"
    return trip


def _cancelling_parked(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="flex", stay="cancel-refused")
    trip.work(turns=9)
    forward(0)
    assert trip.cancel("first").status_code == 202
    assert trip.work(turns=9).attention_reason
    return trip


def _failed(begun: Callable[..., Trip]) -> Trip:
    trip = begun(flight="sold-out")
    assert trip.work(turns=9).state == "failed"
    return trip


def _cancelled(begun: Callable[..., Trip]) -> Trip:
    trip = begun(confirm=False)
    assert trip.cancel("first").status_code == 200
    return trip


LATE, OVER = (409, "too_late"), (409, "reservation_not_cancellable")
TAKEN, DONE = (202, None), (200, None)
SITUATIONS = {
    _draft: (Stage.DRAFT, DONE, "cancelled"),
    _draft_of_expired_offers: (Stage.DRAFT, DONE, "cancelled"),
    _not_yet_begun: (Stage.RUNNING, TAKEN, "cancelled"),
    _waiting_for_the_customer: (Stage.RUNNING, TAKEN, "cancelled"),
    _waiting_for_a_partner: (Stage.RUNNING, TAKEN, "cancelled"),
    _past_its_deadline: (Stage.RUNNING, TAKEN, "cancelled"),
    _parked_before_the_payment: (Stage.RUNNING, TAKEN, "cancelled"),
    _payment_unanswered: (Stage.PIVOTING, LATE, "confirmed"),
    _payment_parked: (Stage.PIVOTING, LATE, "held"),
    _paid_but_not_closed: (Stage.FINISHING, LATE, "confirmed"),
    _turning_back: (Stage.COMPENSATING, TAKEN, "failed"),
    _turning_back_parked: (Stage.COMPENSATING, TAKEN, "held"),
    _confirmed: (Stage.CONFIRMED, TAKEN, "cancelled"),
    _cancelling: (Stage.CANCELLING, TAKEN, "cancelled"),
    _cancelling_parked: (Stage.CANCELLING, TAKEN, "cancelling"),
    _failed: (Stage.FAILED, OVER, "failed"),
    _cancelled: (Stage.CANCELLED, OVER, "cancelled"),
}
"""Situation -> its stage, what a cancellation is answered, and what the reservation is in the end."""


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__[1:])
def test_a_cancellation_is_answered_by_the_table_and_the_answer_is_true(
    situation: Callable[..., Trip], begun: Callable[..., Trip]
) -> None:
    stage, (status, code), end = SITUATIONS[situation]
    trip = situation(begun)
    assert confirmation._look(trip.ada.account_id, trip.id).stage is stage

    answer = trip.cancel()

    assert (answer.status_code, answer.json().get("code")) == (status, code)
    if SagaInstance.objects.filter(subject_id=trip.id).exists():
        trip.work(turns=40)
    assert trip.page()["status"] == end
    captured = {"confirmed"} if end == "confirmed" else set()
    payment = trip.page()["payment"]
    assert ({end} & captured == set()) or payment["status"] == "captured"


def test_every_stage_is_tried() -> None:
    assert {stage for stage, _, _ in SITUATIONS.values()} == set(domain.ON_CANCEL)


def test_what_comes_back_is_shown_before_and_fixed_by_asking_to_cancel(
    begun: Callable[..., Trip],
) -> None:
    trip = begun(flight="standard", stay="saver")  # of the flight everything, later the half
    trip.work(turns=9)
    [flight, _] = trip.page()["items"]
    ends_at = datetime.fromisoformat(flight["cancellation_policy"][0]["before"])
    left = (ends_at - datetime.now(UTC)).total_seconds()
    forward(left - 300)
    before = trip.page()["cancellation"]
    trip.cancel()
    asked = trip.page()["cancellation"]

    forward(left + 300)
    engine.advance(SagaInstance.objects.filter(subject_id=trip.id).latest("created_at").pk)

    page = trip.page()
    assert before["quoted_at"] is None
    assert before["refund_amount"] == asked["refund_amount"] == flight["amount"]
    assert asked["quoted_at"]
    assert page["cancellation"] == asked
    assert page["status"] == "cancelled"
    assert Decimal(page["payment"]["refunded_amount"]) == Decimal(flight["amount"])


def test_a_trip_that_stands_after_all_keeps_no_quote(begun: Callable[..., Trip]) -> None:
    trip = begun(flight="cancel-refused")
    trip.work(turns=9)
    forward(0)
    trip.cancel()

    assert trip.work(turns=9).state == "failed"

    details = reservation.details(reservation_id=trip.id)
    assert details.status == "confirmed"
    assert (details.cancelling_at, details.refund_quote) == (None, None)
    assert trip.page()["cancellation"]["quoted_at"] is None


def test_who_is_overtaken_by_the_confirmation_looks_again(
    begun: Callable[..., Trip], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look (a draft) and the deed another request confirms: the flow is turned back instead."""
    trip = begun(confirm=False)
    real, overtaken = reservation.cancel_draft, []

    def confirm() -> None:
        try:
            confirmation.confirm_reservation(account_id=trip.ada.account_id, reservation_id=trip.id)
        finally:
            connection.close()

    def cancel_draft(**about: Any) -> None:
        if not overtaken:
            overtaken.append(True)
            other = threading.Thread(target=confirm)
            other.start()
            other.join()
        real(**about)

    monkeypatch.setattr(reservation, "cancel_draft", cancel_draft)

    answer = trip.cancel()

    assert answer.status_code == 202
    trip.work(turns=20)
    assert trip.page()["status"] == "cancelled"


def _meanwhile(monkeypatch: pytest.MonkeyPatch, what: Callable[[], None]) -> None:
    """Let something happen once between the look at a reservation and what is done about it."""
    real, happened = confirmation._cancel, []

    def cancel(*seen: Any) -> None:
        if not happened:
            happened.append(True)
            what()
        real(*seen)

    monkeypatch.setattr(confirmation, "_cancel", cancel)


def test_who_saw_it_being_booked_does_not_stop_its_cancellation(
    begun: Callable[..., Trip], monkeypatch: pytest.MonkeyPatch
) -> None:
    trip = begun(flight="flex")

    def confirmed_and_cancelled() -> None:
        assert trip.work(turns=9).state == "completed"
        forward(0)
        confirmation.cancel_confirmed(reservation_id=trip.id)

    _meanwhile(monkeypatch, confirmed_and_cancelled)

    assert trip.cancel().status_code == 202

    trip.work(turns=20)
    assert trip.page()["status"] == "cancelled"


def test_who_saw_one_attempt_does_not_stop_the_next(begun: Callable[..., Trip]) -> None:
    trip = begun(card="pm_card_chargeDeclined")
    first = trip.work(turns=0)

    trip.work(turns=9)
    forward(0)
    body = {"method": "pm_card_visa"}
    assert trip.ada.send(f"reservations/{trip.id}/payment", body, method="put").status_code == 200
    answer = trip.ada.send(f"reservations/{trip.id}/confirm", key="again")

    assert answer.status_code == 202
    with pytest.raises(control.TooLate, match="is failed"):
        control.request_cancel(saga_id=first.pk)
    assert trip.work(turns=9).state == "completed"


def test_a_flow_that_begins_between_two_looks_is_turned_back(
    begun: Callable[..., Trip], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status that says "being booked" without a flow is of a moment: it is looked at again."""
    trip = begun()
    real, looks = store.live_saga_of, iter([None])
    monkeypatch.setattr(store, "live_saga_of", lambda subject: next(looks, real(subject)))

    assert trip.cancel().status_code == 202

    trip.work(turns=9)
    assert trip.page()["status"] == "cancelled"


def test_to_cancel_twice_is_to_cancel_once(begun: Callable[..., Trip]) -> None:
    trip = begun()

    answers = [trip.cancel(key).status_code for key in ("first", "second")]

    saga = trip.work(turns=9)
    assert answers == [202, 202]
    assert saga.history.filter(kind="cancel_requested").count() == 1
    assert trip.page()["status"] == "cancelled"
