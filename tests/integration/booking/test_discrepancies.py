"""What only a person can settle: noted once, with both sides' facts; nothing is touched meanwhile."""

import io
import threading
import uuid
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from booking import discrepancies
from booking.models import Discrepancy
from booking.orchestrator import control
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.shape import StepState
from booking.reconciler import putting_right
from payments.models import Payment
from providers.models import Order
from sandbox import server
from tests.integration.booking.ledgers import REST, audit, kinds, outcomes, told

pytestmark = pytest.mark.django_db(transaction=True)

PERSON = ""


@pytest.fixture
def sandbox(tmp_path):
    """Serve a sandbox of this test alone: what it has of other tests would all be strays."""
    running = server.serve(ledger_path=tmp_path / "ledger.sqlite")
    yield running
    running.shutdown()


@pytest.fixture
def trip(books):
    """Return a confirmed trip at rest."""
    reservation_id = books.book("skyways:standard", "oldinn:standard")
    books.forward()
    assert books.status(reservation_id) == "confirmed"
    return reservation_id


def lose_an_order(books, trip):
    books.at_partner(books.there(trip).rows[0])


def lose_an_order_of_a_partner_that_cannot_list(books, trip):
    books.at_partner(next(row for row in books.there(trip).rows if row["partner"] == "oldinn"))


def write_another_price(books, trip):
    Order.objects.filter(reservation_id=trip).update(amount=Decimal("1.00"))


def refund_by_hand(books, trip):
    [intent] = books.there(trip).intents
    books.processor.refunds.create({"payment_intent": intent, "amount": 100})


def forget_the_capture(books, trip):
    Payment.objects.filter(reservation_id=trip).update(captured_amount=0, status="authorised")


def write_another_capture(books, trip):
    Payment.objects.filter(reservation_id=trip).update(captured_amount=Decimal("1.00"))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lose_an_order, {"MISSING_AT_PARTNER"}),
        (lose_an_order_of_a_partner_that_cannot_list, {"MISSING_AT_PARTNER"}),
        (write_another_price, {"AMOUNT_MISMATCH"}),
        (refund_by_hand, {"REFUND_MISMATCH"}),
        (forget_the_capture, {"CONFIRMED_WITHOUT_CAPTURE", "DOUBLE"}),
        (write_another_capture, {"AMOUNT_MISMATCH"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_person_must_settle_is_noted_and_nothing_is_touched(books, trip, damage, found):
    damage(books, trip)
    before = (vars(books.there(trip)), told(trip))

    first, second = audit("--heal"), audit("--heal")

    assert {kind for kind, _ in kinds(first[1])} == found
    assert {remedy for _, remedy in kinds(first[1])} == {PERSON}
    assert first[1]["discrepancies"] == second[1]["discrepancies"]
    assert all(one["reason"] for one in first[1]["discrepancies"])
    assert (vars(books.there(trip)), told(trip)) == before
    assert not SagaInstance.objects.filter(name="take-back").exists()


def test_what_a_person_settled_stays_settled_until_the_facts_change(books, trip):
    refund_by_hand(books, trip)
    [found] = audit("--heal")[1]["discrepancies"]
    words = ("--actor", "ann@example.com", "--evidence", "ticket 4711")

    status, answer = audit("--settle", str(found["number"]), *words)

    assert (status, answer) == (0, {"settled": found["number"]})
    row = Discrepancy.objects.get()
    assert (row.outcome, row.actor, row.evidence) == ("resolved", "ann@example.com", "ticket 4711")
    assert audit()[0] == 0
    refund_by_hand(books, trip)
    assert kinds(audit("--heal")[1]) == [("REFUND_MISMATCH", PERSON)]


@pytest.mark.parametrize("words", [(), ("--actor", "ann"), ("--actor", " ", "--evidence", "x")])
def test_nobody_settles_without_a_name_and_evidence(books, words):
    with pytest.raises(CommandError, match="evidence_missing"):
        audit("--settle", "1", *words)


def test_what_the_other_side_put_right_itself_vanishes(books, trip):
    Order.objects.filter(reservation_id=trip, partner__slug="skyways").update(amount=1)
    audit("--heal")
    [price] = [o["amount"] for o in books.there(trip).rows if o["partner"] == "skyways"]
    Order.objects.filter(reservation_id=trip, partner__slug="skyways").update(amount=price)

    assert audit()[0] == 0
    assert audit("--heal")[0] == 0
    assert outcomes() == [("AMOUNT_MISMATCH", "vanished")]


def test_an_order_of_a_reservation_that_nobody_knows_is_left_to_a_person(books):
    """As after a restore of an older backup: the traveller may well have a trip."""
    stranger = uuid.uuid4()
    offer = books.offer("budgetair:standard")
    body = {
        "offer_id": offer["offer_id"].partition(":")[2],
        "amount": offer["amount"],
        "currency": offer["currency"],
        "reference": f"{stranger}:{uuid.uuid4()}",
        "travellers": [{"given_name": "Ada", "family_name": "Trip"}],
    }
    httpx.put(
        f"{books.url}/partners/budgetair/orders/key-of-a-stranger",
        json=body,
        headers={"authorization": "Bearer sandbox-partner-key"},
    ).raise_for_status()

    _, answer = audit("--heal")

    assert kinds(answer) == [("ORPHAN_AT_PARTNER", PERSON)]
    assert answer["discrepancies"][0]["reservation_id"] == str(stranger)
    assert books.there(stranger).orders == ["confirmed"]


def test_a_reference_that_is_none_of_ours_is_none_of_our_business(books):
    offer = books.offer("budgetair:standard")
    body = {
        "offer_id": offer["offer_id"].partition(":")[2],
        "amount": offer["amount"],
        "currency": offer["currency"],
        "reference": "walk-in 17",
        "travellers": [{"given_name": "Ada", "family_name": "Trip"}],
    }
    httpx.put(
        f"{books.url}/partners/budgetair/orders/somebody-else",
        json=body,
        headers={"authorization": "Bearer sandbox-partner-key"},
    ).raise_for_status()

    assert audit("--heal")[0] == 0


@pytest.fixture
def refused(books):
    """Return a trip that failed; a leg landed late, and its partner refuses to cancel it."""
    reservation_id = books.book(
        "restwell:cancel-refused", "skyways:sold-out", card="pm_card_captured_much_later"
    )
    [leg] = [row for row in books.there(reservation_id).rows if row["partner"] == "restwell"]
    saga = SagaInstance.objects.get(subject_id=reservation_id)
    assert saga.attention_reason, saga
    control.resolve(
        saga_id=saga.pk,
        step="book",
        item=leg["reference"].partition(":")[2],
        outcome=StepState.DONE,
        actor="ann",
        evidence="cancelled by telephone, they say",
    )
    books.work(reservation_id)
    books.forward()
    assert books.land() == 1
    return reservation_id


def test_a_cancellation_that_is_refused_parks_the_taking_back_after_the_money_went_back(
    books, refused
):
    audit("--heal")
    saga = books.work(refused)

    [(_, taken, given_back)] = books.there(refused).payments
    assert (saga.name, taken) == ("take-back", given_back)
    assert "cancel_refused" in saga.attention_reason
    # While it waits for a person, the traveller can neither begin anew nor cancel.
    books.pay(refused)
    confirm = books.ada.send(f"reservations/{refused}/confirm", key="k2")
    cancel = books.ada.send(f"reservations/{refused}/cancel", key="k3")
    assert (confirm.status_code, confirm.json()["code"]) == (409, "reservation_not_confirmable")
    assert (cancel.status_code, cancel.json()["code"]) == (409, "reservation_not_cancellable")


def purge(*, days):
    """Run `manage.py saga purge`."""
    who = ("--actor", "ann", "--reason", "retention")
    call_command("saga", "purge", "--older-than-days", str(days), *who, stdout=io.StringIO())


def test_a_loss_that_a_person_bore_stays_borne_after_a_purge(books):
    reservation_id = books.book("restwell:cancel-refused", "skyways:sold-out")
    saga = SagaInstance.objects.get(subject_id=reservation_id)
    [leg] = [row for row in books.there(reservation_id).rows if row["partner"] == "restwell"]
    control.resolve(
        saga_id=saga.pk,
        step="book",
        item=leg["reference"].partition(":")[2],
        outcome=StepState.ACCEPTED,
        actor="ann",
        evidence="they keep the money",
    )
    assert books.work(reservation_id).state == "failed"
    books.forward(timedelta(days=40).total_seconds())

    purge(days=30)

    status, answer = audit("--heal", "--since", "60d")
    assert (status, answer["discrepancies"], answer["taking_back"]) == (0, [], [])


def test_a_saga_at_which_a_discrepancy_is_open_is_not_purged(books, refused):
    audit("--heal")
    saga = books.work(refused)
    books.forward(timedelta(days=40).total_seconds())

    purge(days=30)

    assert set(Discrepancy.objects.filter(settled_at=None).values_list("saga_id", flat=True)) == {
        saga.pk
    }
    assert SagaInstance.objects.filter(pk=saga.pk).exists()


def test_what_a_saga_healed_is_not_opened_by_its_purge(books):
    reservation_id = books.book("restwell:sold-out", card="pm_card_captured_much_later")
    books.forward()
    assert books.land() == 1
    audit("--heal")
    saga = books.work(reservation_id)
    books.forward(timedelta(days=40).total_seconds())

    purge(days=30)

    assert not SagaInstance.objects.filter(pk=saga.pk).exists()
    assert audit("--heal", "--since", "60d")[0] == 0
    assert outcomes() == [("CAPTURED_WITHOUT_CONFIRMED", "healed")]


WORDS = ("--actor", "ann", "--evidence", "they keep it")


def test_what_a_saga_has_only_begun_to_take_back_cannot_be_settled_beside_it(books):
    reservation_id = books.book("restwell:sold-out", card="pm_card_captured_much_later")
    books.forward()
    assert books.land() == 1
    [found] = audit("--heal")[1]["discrepancies"]

    with pytest.raises(CommandError, match="discrepancy_being_taken_back"):
        audit("--settle", str(found["number"]), *WORDS)

    assert books.work(reservation_id).state == "completed"
    assert outcomes() == [("CAPTURED_WITHOUT_CONFIRMED", "healed")]


def test_what_a_saga_let_go_of_can_be_settled_and_is_not_taken_back(books):
    reservation_id = books.book("restwell:sold-out", card="pm_card_captured_much_later")
    books.forward()
    assert books.land() == 1
    [found] = audit("--heal")[1]["discrepancies"]
    control.request_cancel(saga_id=UUID(str(found["saga_id"])), actor="ann", reason="they keep it")
    assert books.work(reservation_id).state == "cancelled"
    books.forward()

    assert audit("--settle", str(found["number"]), *WORDS)[0] == 0

    assert audit("--heal")[1]["taking_back"] == []
    assert outcomes() == [("CAPTURED_WITHOUT_CONFIRMED", "resolved")]


def test_what_a_person_settles_while_it_is_compared_is_not_taken_back(books, monkeypatch):
    reservation_id = books.book("restwell:sold-out", card="pm_card_captured_much_later")
    books.forward()
    assert books.land() == 1
    [found] = audit("--heal")[1]["discrepancies"]
    control.request_cancel(saga_id=UUID(str(found["saga_id"])))
    books.work(reservation_id)
    books.forward()
    real = putting_right.note

    def note(*arguments):
        settling = threading.Thread(target=_settle, args=(found["number"],))
        settling.start()
        settling.join()
        return real(*arguments)

    monkeypatch.setattr(putting_right, "note", note)

    assert audit("--heal")[1]["taking_back"] == []
    assert outcomes() == [("CAPTURED_WITHOUT_CONFIRMED", "resolved")]


def _settle(number):
    try:
        discrepancies.settle_by_hand(number=number, actor="ann", evidence="they keep it")
    finally:
        connection.close()


def test_a_loss_that_a_person_bears_is_settled_with_the_evidence(books, refused):
    audit("--heal")
    saga = books.work(refused)
    row = Discrepancy.objects.get(kind="ORPHAN_AT_PARTNER")

    with pytest.raises(discrepancies.BeingTakenBack):
        discrepancies.settle_by_hand(number=row.pk, actor="ann", evidence="x")
    control.resolve(
        saga_id=saga.pk,
        step="cancel_stray",
        item=str(row.pk),
        outcome=StepState.ACCEPTED,
        actor="ann",
        evidence="they keep the money",
    )
    assert books.work(refused).state == "completed"
    books.forward()

    row.refresh_from_db()
    assert (row.outcome, row.actor, row.evidence) == ("resolved", "ann", "they keep the money")
    assert sorted(outcomes()) == [
        ("CAPTURED_WITHOUT_CONFIRMED", "healed"),
        ("ORPHAN_AT_PARTNER", "resolved"),
    ]
    assert audit()[0] == 0


def test_two_reconcilers_at_once_begin_one_taking_back(books):
    books.book("restwell:sold-out", card="pm_card_captured_much_later")
    assert books.land() == 1
    answers, ready = [], threading.Barrier(3)

    def reconcile():
        try:
            with connection.cursor() as cursor:
                words = f"{books.offset + REST} seconds"
                cursor.execute("SELECT set_config('booking.clock_offset', %s, false)", [words])
            ready.wait()
            answers.append(audit("--heal")[1])
        finally:
            connection.close()

    threads = [threading.Thread(target=reconcile) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 3
    assert sum(len(answer["taking_back"]) for answer in answers) == 1, answers
    assert SagaInstance.objects.filter(name="take-back").count() == 1
    assert Discrepancy.objects.count() == 1


def test_the_database_keeps_one_open_row_and_no_settlement_without_evidence():
    row = {
        "kind": "DOUBLE",
        "reservation_id": uuid.uuid4(),
        "what": "order x",
        "reason": "r",
        "found_at": timezone.now(),
        "seen_at": timezone.now(),
    }
    Discrepancy.objects.create(**row)

    for wrong in (
        row,
        {**row, "what": "a", "reason": ""},
        {**row, "what": "b", "outcome": "healed"},
        {**row, "what": "c", "settled_at": timezone.now()},
        {**row, "what": "d", "settled_at": timezone.now(), "outcome": "resolved", "actor": "a"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Discrepancy.objects.create(**wrong)
