"""The reconciler finds what landed late and takes it back; both sides' books agree afterwards."""

import pytest
from django.core.management import call_command

from booking import discrepancies
from booking.models import Discrepancy
from booking.orchestrator import control, plan
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.shape import StepState
from booking.reconciler import comparison, loop, reconciliation
from outbound import http
from outbound.call import NotSent
from payments.gateways.stripe import StripeGateway
from providers import refusals
from providers.gateways.network import KeyedGateway
from reservation import services as reservation
from tests.integration.booking.ledgers import (
    audit,
    kinds,
    outcomes,
    sandbox,  # noqa: F401 - a fixture
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)

CANCEL, BACK, PERSON = "cancel_order", "give_back", ""


def sagas(reservation_id, name="take-back"):
    return list(
        SagaInstance.objects.filter(subject_id=reservation_id, name=name).order_by("created_at")
    )


def healed(books, reservation_id):
    """Let the reconciler put right what is safe, work, and return the saga that did it."""
    status, answer = audit("--heal")
    assert (status, len(answer["taking_back"])) == (1, 1), answer
    books.work(reservation_id)
    books.forward()
    [saga] = sagas(reservation_id)
    return saga


def late_leg(books, partner, **trip):
    """Return a trip that failed; afterwards the leg that never answered was booked."""
    other = "restwell:sold-out" if partner != "oldinn" else "skyways:sold-out"
    reservation_id = books.book(f"{partner}:books-much-later", other, **trip)
    books.forward()
    assert books.status(reservation_id) == "failed"
    assert audit()[0] == 0
    assert books.land() == 1
    return reservation_id


def late_payment(books):
    """Return a trip that failed and was voided; afterwards its money was taken."""
    reservation_id = books.book("restwell:sold-out", card="pm_card_captured_much_later")
    books.forward()
    assert books.land() == 1
    return reservation_id


def test_books_that_agree_are_left_as_they_are(books):
    books.compose("skyways:standard")
    books.book("skyways:standard", "oldinn:standard", "dialacar:standard")
    books.book("budgetair:standard", "restwell:sold-out")
    cancelled = books.book("skyways:flex", "oldinn:standard")
    books.cancel(cancelled)
    books.forward()

    status, answer = audit()

    assert (status, answer["discrepancies"], answer["silent"]) == (0, [], {})
    assert audit("--heal")[0] == 0
    assert not Discrepancy.objects.exists()


@pytest.mark.parametrize("partner", ["budgetair", "oldinn"])
def test_a_leg_that_lands_after_the_end_is_found_and_cancelled(books, partner):
    reservation_id = late_leg(books, partner)
    before = told(reservation_id)

    status, answer = audit()
    saga = healed(books, reservation_id)

    assert (status, kinds(answer)) == (1, [("ORPHAN_AT_PARTNER", CANCEL)])
    assert (saga.state, books.there(reservation_id).orders) == ("completed", ["cancelled"])
    assert outcomes() == [("ORPHAN_AT_PARTNER", "healed")]
    assert audit()[0] == 0
    # Nobody was told that it was booked, so nobody is told that it is gone; the end was told once.
    assert told(reservation_id) == before
    assert books.status(reservation_id) == "failed"


def test_a_payment_that_lands_after_the_end_is_refunded_and_told(books):
    reservation_id = late_payment(books)
    before = told(reservation_id)
    assert books.there(reservation_id).payments[0][0] == "succeeded"

    _, answer = audit()
    healed(books, reservation_id)

    [(_, taken, given_back)] = books.there(reservation_id).payments
    assert kinds(answer) == [("CAPTURED_WITHOUT_CONFIRMED", BACK)]
    assert taken == given_back > 0
    assert told(reservation_id) == [*before, "payments.captured.v1", "payments.refunded.v1"]
    assert audit()[0] == 0
    page = books.ada.get(f"/api/v1/reservations/{reservation_id}").json()
    assert (page["status"], page["payment"]["status"]) == ("failed", "refunded")


def test_a_leg_and_a_payment_are_taken_back_by_one_saga(books):
    reservation_id = books.book(
        "budgetair:books-much-later", "restwell:sold-out", card="pm_card_captured_much_later"
    )
    books.forward()
    assert books.land() == 2

    healed(books, reservation_id)

    assert books.there(reservation_id).orders == ["cancelled"]
    [(_, taken, given_back)] = books.there(reservation_id).payments
    assert taken == given_back
    assert audit()[0] == 0


def test_a_second_order_for_a_leg_is_cancelled_and_the_trip_stands(books):
    reservation_id = books.book("oldinn:books-much-later")
    books.forward()
    assert (books.status(reservation_id), books.land()) == ("confirmed", 1)
    before = told(reservation_id)

    _, answer = audit()
    healed(books, reservation_id)

    assert kinds(answer) == [("DOUBLE", CANCEL)]
    assert books.there(reservation_id).orders == ["cancelled", "confirmed"]
    assert books.status(reservation_id) == "confirmed"
    assert told(reservation_id) == before
    assert audit()[0] == 0


def test_a_trip_is_not_cancelled_while_something_of_it_is_taken_back(books):
    reservation_id = books.book("oldinn:books-much-later")
    books.forward()
    assert books.land() == 1
    audit("--heal")

    refused = books.ada.send(f"reservations/{reservation_id}/cancel", key="now")
    books.work(reservation_id)
    accepted = books.ada.send(f"reservations/{reservation_id}/cancel", key="then")

    assert (refused.status_code, refused.json()["code"]) == (409, "too_late")
    assert accepted.status_code == 202


def test_a_payment_of_the_first_attempt_is_given_back_beside_the_one_of_the_second(
    books, monkeypatch
):
    def sold_out(self, **wanted):
        raise refusals.SoldOut("gone")

    with monkeypatch.context() as gone:
        gone.setattr(KeyedGateway, "book", sold_out)
        reservation_id = books.book("restwell:standard", card="pm_card_captured_much_later")
    books.pay(reservation_id)
    books.confirm(reservation_id)
    books.forward()
    assert (books.status(reservation_id), books.land()) == ("confirmed", 1)

    _, answer = audit()
    healed(books, reservation_id)

    assert kinds(answer) == [("DOUBLE", BACK)]
    first, second = books.there(reservation_id).payments
    assert (first[1] - first[2], second[2]) == (0, 0)
    assert audit()[0] == 0
    assert books.status(reservation_id) == "confirmed"


def test_an_authorisation_that_was_left_is_voided(books):
    reservation_id = books.compose("skyways:standard")
    [intent] = books.there(reservation_id).intents
    books.processor.payment_intents.confirm(intent)

    _, answer = audit()
    healed(books, reservation_id)

    assert kinds(answer) == [("AUTHORISATION_LEFT", BACK)]
    assert books.there(reservation_id).payments == [("canceled", 0, 0)]
    assert audit()[0] == 0


def borne(books, step):
    """Let a trip fail; a person bears what a step could not take back. Then its money is taken, if it can be."""
    reservation_id = books.book("restwell:sold-out", card="pm_card_captured_much_later")
    saga = SagaInstance.objects.get(subject_id=reservation_id)
    assert saga.attention_reason, saga
    control.resolve(
        saga_id=saga.pk, step=step, item="", outcome=StepState.ACCEPTED, actor="a", evidence="e"
    )
    assert books.work(reservation_id).state == "failed"
    books.forward()
    books.land()
    return reservation_id


def test_a_payment_whose_loss_a_person_bore_is_left_as_it_is(books, monkeypatch):
    def down(self, **wanted):
        raise NotSent("connection refused")

    with monkeypatch.context() as outage:
        outage.setattr(StripeGateway, "cancel", down)
        reservation_id = borne(books, "authorise")

    assert books.there(reservation_id).payments == [("requires_capture", 0, 0)]
    assert audit()[0] == 0


def test_a_loss_that_was_not_the_payment_s_hides_no_payment(books, monkeypatch):
    def broken(self, call):
        raise ValueError("a bug")

    with monkeypatch.context() as bug:
        bug.setattr(reservation.Release, "apply", broken)
        borne(books, "hold")

    assert kinds(audit()[1]) == [("CAPTURED_WITHOUT_CONFIRMED", BACK)]


def test_what_a_person_decided_about_code_that_is_gone_stands(books, monkeypatch):
    def broken(self, call):
        raise ValueError("a bug")

    with monkeypatch.context() as bug:
        bug.setattr(reservation.Release, "apply", broken)
        borne(books, "hold")
    monkeypatch.delitem(plan.REGISTRY, "confirm-reservation")

    assert audit()[0] == 0


def test_healing_twice_heals_once(books):
    reservation_id = late_leg(books, "budgetair")

    first, second = audit("--heal")[1], audit("--heal")[1]
    books.work(reservation_id)
    books.forward()
    third = audit("--heal")[1]

    assert len(first["taking_back"]) == 1
    # The saga is at it: the discrepancy is still open, and nothing else is begun.
    assert (second["taking_back"], kinds(second)) == ([], [("ORPHAN_AT_PARTNER", CANCEL)])
    assert second["left_alone"] == [str(reservation_id)]
    assert (third["taking_back"], third["discrepancies"]) == ([], [])
    assert len(sagas(reservation_id)) == 1


def test_a_running_saga_is_left_alone(books):
    reservation_id = late_leg(books, "budgetair")
    books.pay(reservation_id)
    books.ada.send(f"reservations/{reservation_id}/confirm", key="again")

    status, answer = audit("--heal")

    assert (status, answer["discrepancies"]) == (0, [])
    assert answer["left_alone"] == [str(reservation_id)]


def test_a_saga_that_has_just_ended_is_left_alone(books):
    reservation_id = books.book("budgetair:books-much-later", "restwell:sold-out")
    books.land()

    young = audit("--heal")[1]
    books.forward()

    assert (young["discrepancies"], young["left_alone"]) == ([], [str(reservation_id)])
    assert kinds(audit()[1]) == [("ORPHAN_AT_PARTNER", CANCEL)]


def test_a_saga_that_begins_while_the_other_side_is_asked_makes_the_answer_old(books, monkeypatch):
    reservation_id = late_leg(books, "budgetair")
    books.pay(reservation_id)
    real = reconciliation._asked_alone

    def asked_alone(*arguments):
        answer = real(*arguments)
        books.ada.send(f"reservations/{reservation_id}/confirm", key="meanwhile")
        return answer

    monkeypatch.setattr(reconciliation, "_asked_alone", asked_alone)

    _, answer = audit("--heal")

    assert (answer["discrepancies"], answer["taking_back"]) == ([], [])
    assert answer["left_alone"] == [str(reservation_id)]


def test_who_is_silent_is_named_and_nothing_is_missing(books, monkeypatch):
    books.book("skyways:standard")
    books.forward()

    def silent(self, **wanted):
        raise http.DeadlineExceeded("GET")

    monkeypatch.setattr(KeyedGateway, "list_orders", silent)
    monkeypatch.setattr(StripeGateway, "list_payments", silent)

    status, answer = audit("--heal")

    assert (status, answer["discrepancies"]) == (1, [])
    assert "skyways" in answer["silent"]
    assert "card processor" in answer["silent"]


def test_a_partner_that_is_silent_about_one_order_leaves_it_for_the_next_run(books, monkeypatch):
    reservation_id = late_leg(books, "budgetair")

    def silent(self, **wanted):
        raise http.DeadlineExceeded("GET")

    with monkeypatch.context() as outage:
        outage.setattr(KeyedGateway, "standing", silent)
        status, answer = audit("--heal")

    assert (status, answer["discrepancies"], answer["taking_back"]) == (1, [], [])
    assert list(answer["silent"]) == ["budgetair"]
    assert kinds(audit()[1]) == [("ORPHAN_AT_PARTNER", CANCEL)]
    assert sagas(reservation_id) == []


def test_there_is_a_time_after_which_no_more_is_begun(books):
    late_leg(books, "budgetair")

    status, answer = audit("--heal", "--seconds", "0")

    assert status == 1
    assert answer["not_reached"] or answer["silent"]
    assert answer["taking_back"] == []


def test_what_comes_again_after_it_was_taken_back_waits_for_a_person(books, monkeypatch):
    reservation_id = late_leg(books, "budgetair")
    monkeypatch.setattr(KeyedGateway, "cancel_one", lambda self, **wanted: True)

    for _ in range(discrepancies.TIMES):
        audit("--heal")
        books.work(reservation_id)
        books.forward()
    before, (status, answer), after = audit(), audit("--heal"), audit()

    assert (status, kinds(answer)) == (1, [("ORPHAN_AT_PARTNER", PERSON)])
    assert answer["taking_back"] == []
    assert "3 times" in Discrepancy.objects.get(settled_at=None).reason
    # Whoever only looks is not told that --heal would help.
    assert kinds(before[1]) == kinds(after[1]) == [("ORPHAN_AT_PARTNER", PERSON)]
    reasons = {looked[1]["discrepancies"][0]["reason"] for looked in (before, after)}
    assert reasons == {"taken back 3 times, and there again"}


def test_a_look_says_of_each_discrepancy_what_healing_would_do(books, capsys):
    late_leg(books, "budgetair")
    trip = books.book("skyways:standard")
    books.at_partner(books.there(trip).rows[0])
    books.forward()

    with pytest.raises(SystemExit):
        call_command("saga", "audit")

    lines = sorted(line.split("  ")[-1] for line in capsys.readouterr().out.splitlines())
    assert lines == [
        "can be taken back (--heal)",
        "waits for a person: the trip may have to be booked again, or given back",
    ]


def test_the_loop_runs_once_in_a_period_and_looks_at_everything_once_a_day(books, settings):
    reservation_id = late_leg(books, "budgetair")

    first = loop.run_if_due()
    too_soon = loop.run_if_due()
    books.work(reservation_id)
    books.forward(settings.RECONCILE_SECONDS)
    second = loop.run_if_due()

    assert [found.kind for found in first.found] == [comparison.Kind.ORPHAN_AT_PARTNER]
    assert too_soon is None
    assert (second.found, second.silent) == ([], {})
    assert first.until - first.since > loop.FULL_WINDOW
    assert (second.until - second.since).total_seconds() < 2 * settings.RECONCILE_WINDOW_SECONDS
