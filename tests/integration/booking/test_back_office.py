"""Flows in the web admin: one page for each reservation; tried again, settled and cancelled with a reason."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from backoffice.models import AuditEntry
from booking.models import Account
from booking.orchestrator import control, engine
from booking.orchestrator.models import SagaEvent, SagaInstance
from outbound.call import Idempotency, Traits
from tests import toy
from tests.integration.backoffice.people import somebody
from tests.integration.booking.test_engine import run, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(client: Client) -> Client:
    user = get_user_model().objects.create_superuser(email="olga@example.com", password="x" * 20)
    client.force_login(user)
    return client


@pytest.fixture
def parked() -> SagaInstance:
    toy.reset()
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["no"]
    saga = run(start())
    assert saga.attention_reason
    return saga


def do(client: Client, saga: SagaInstance, deed: str, **said: str) -> HttpResponse:
    form = {"action": deed, "_selected_action": [saga.pk], **said}
    answer = client.post(reverse("admin:booking_sagainstance_changelist"), form)
    saga.refresh_from_db()
    return answer


def shown(client: Client, saga: SagaInstance) -> str:
    return client.get(reverse("admin:booking_trip", args=[saga.subject_id])).content.decode()


def test_a_parked_saga_is_listed_with_what_it_waits_for(
    operator: Client, parked: SagaInstance
) -> None:
    page = operator.get(reverse("admin:booking_sagainstance_changelist"), {"parked": "yes"})

    assert "compensation incomplete: book flight" in page.content.decode()


def test_its_page_shows_every_call_and_what_happened(
    operator: Client, parked: SagaInstance
) -> None:
    old = operator.get(reverse("admin:booking_sagainstance_change", args=[parked.pk]))

    page = shown(operator, parked)

    assert old.headers["Location"] == reverse("admin:booking_trip", args=[parked.subject_id])
    assert "tests/toy.py:" in page
    assert "✗ refused" in page
    assert "take back: book flight" in page
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page


def test_an_operator_lets_it_try_again_with_a_reason(
    operator: Client, parked: SagaInstance
) -> None:
    asked = do(operator, parked, "retry")
    do(operator, parked, "retry", confirmed="yes", reason="the partner cancels now")

    assert "with a fresh count of tries" in asked.content.decode()
    retried = SagaEvent.objects.get(saga=parked, kind="retried")
    engine.advance(parked.pk)
    parked.refresh_from_db()
    assert retried.detail["reason"] == "the partner cancels now"
    assert "olga@example.com" in retried.actor
    assert parked.state == "failed"


def test_without_a_reason_nothing_happens(operator: Client, parked: SagaInstance) -> None:
    answers = [
        do(operator, parked, deed, confirmed="yes", reason=" ") for deed in ("retry", "cancel")
    ]

    assert ["This field is required." in a.content.decode() for a in answers] == [True, True]
    assert parked.attention_reason is not None
    assert not AuditEntry.objects.filter(action__in=["retry", "cancel"]).exists()


def test_every_deed_is_in_the_audit_log_with_who_and_why(
    operator: Client, parked: SagaInstance
) -> None:
    do(operator, parked, "retry", confirmed="yes", reason="the partner cancels now")

    entry = AuditEntry.objects.get(action="retry")
    assert (entry.actor, entry.reason) == ("olga@example.com", "the partner cancels now")
    assert entry.target == f"saga {parked.pk}"


def test_what_was_refused_is_told_and_leaves_no_line(operator: Client) -> None:
    toy.reset()
    done = run(start())

    answer = do(operator, done, "retry", confirmed="yes", reason="try")

    assert "does not wait for a person" in str(next(iter(get_messages(answer.wsgi_request))))
    assert not AuditEntry.objects.filter(action="retry").exists()


def test_a_call_is_settled_with_evidence(operator: Client, parked: SagaInstance) -> None:
    asked = do(operator, parked, "resolve").content.decode()
    said = {"call": "compensate|book|flight", "outcome": "accepted", "reason": "ticket 4711"}

    do(operator, parked, "resolve", confirmed="yes", **said)

    engine.advance(parked.pk)
    parked.refresh_from_db()
    resolved = SagaEvent.objects.get(saga=parked, kind="resolved")
    assert "compensate book flight" in asked
    assert "It certainly did not happen" not in asked
    assert (resolved.actor, resolved.detail["evidence"]) == ("olga@example.com", "ticket 4711")
    assert parked.state == "failed"
    assert AuditEntry.objects.get(action="resolve").detail["call"] == said["call"]


def test_an_operator_is_told_what_only_the_other_side_can_tell(operator: Client) -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.D, quiet_seconds=1))
    toy.WORLD.answers["book flight"] = ["lost"]
    saga = run(start())

    asked = do(operator, saga, "resolve").content.decode()
    said = {"call": "forward|book|flight", "outcome": "done", "reason": "seen", "answer": "{}"}
    answer = do(operator, saga, "resolve", confirmed="yes", **said)

    assert "Needed for book: key." in asked
    assert "must hold: key" in str(next(iter(get_messages(answer.wsgi_request))))
    assert saga.attention_reason is not None


def test_what_was_seen_before_the_saga_turned_back_settles_nothing(operator: Client) -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.D, quiet_seconds=1))
    toy.WORLD.answers |= {"book flight": ["lost"], "back book flight": ["lost"]}
    saga = run(start())
    asked = do(operator, saga, "resolve").content.decode()
    control.request_cancel(saga_id=saga.pk)
    run(saga)

    said = {"call": "forward|book|flight", "outcome": "done", "reason": "it was booked"}
    answer = do(operator, saga, "resolve", confirmed="yes", **said).content.decode()

    assert 'value="forward|book|flight"' in asked
    assert "This call waits for nobody any more; look again." in answer
    assert 'value="compensate|book|flight"' in answer
    assert saga.attention_reason == "compensation incomplete: book flight (outcome_unknown)"


@pytest.mark.parametrize(
    "wrong",
    [
        {"call": "compensate|book|hotel"},
        {"call": "forward|book|flight"},
        {"outcome": "refused"},
        {"answer": "[1]"},
        {"answer": "{"},
    ],
)
def test_nonsense_settles_nothing(
    operator: Client, parked: SagaInstance, wrong: dict[str, str]
) -> None:
    good = {"call": "compensate|book|flight", "outcome": "accepted", "reason": "seen", "answer": ""}
    said = {**good, **wrong}

    answer = do(operator, parked, "resolve", confirmed="yes", **said)

    assert answer.status_code == 200
    assert parked.attention_reason is not None
    assert not SagaEvent.objects.filter(saga=parked, kind="resolved").exists()


def test_a_running_flow_is_cancelled_by_name(operator: Client) -> None:
    toy.reset()
    saga = start()

    do(operator, saga, "cancel", confirmed="yes", reason="asked by phone")

    asked_for = SagaEvent.objects.get(saga=saga, kind="cancel_requested")
    engine.advance(saga.pk)
    saga.refresh_from_db()
    assert (asked_for.actor, asked_for.detail) == ("olga@example.com", {"reason": "asked by phone"})
    assert saga.state == "cancelled"


def test_what_turns_back_already_is_told(operator: Client, parked: SagaInstance) -> None:
    answer = do(operator, parked, "cancel", confirmed="yes", reason="asked by phone")

    assert "turns back already" in str(next(iter(get_messages(answer.wsgi_request))))
    assert not AuditEntry.objects.filter(action="cancel").exists()


def test_who_may_only_look_is_offered_nothing_and_does_nothing(
    client: Client, parked: SagaInstance
) -> None:
    client.force_login(somebody("support"))

    page = shown(client, parked)
    do(client, parked, "retry", confirmed="yes", reason="because")

    assert "compensation incomplete" in page
    assert 'name="action"' not in page
    assert parked.attention_reason is not None


def test_the_page_is_sent_again_only_when_something_has_changed(operator: Client) -> None:
    toy.reset()
    saga = start()
    live = reverse("admin:booking_trip_live", args=[saga.subject_id])
    first = operator.get(live)

    same = operator.get(live, headers={"If-None-Match": first.headers["ETag"]})
    run(saga)
    other = operator.get(live, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert 'data-live="yes"' in first.content.decode()
    assert 'data-live=""' in other.content.decode()


def test_a_page_that_is_kept_up_to_date_asks_a_bounded_number_of_questions(
    operator: Client, parked: SagaInstance, django_assert_max_num_queries: Any
) -> None:
    live = reverse("admin:booking_trip_live", args=[parked.subject_id])

    with django_assert_max_num_queries(24):
        operator.get(live)


def test_nobody_edits_a_saga(operator: Client, parked: SagaInstance) -> None:
    url = reverse("admin:booking_sagainstance_change", args=[parked.pk])

    answer = operator.post(url, {"state": "completed"})

    assert answer.status_code == 403
    assert operator.get(reverse("admin:booking_sagainstance_add")).status_code == 403


def test_what_is_at_stake_is_listed_with_currency_and_leg(operator: Client) -> None:
    saga = _parked_with_a_price()

    page = operator.get(reverse("admin:booking_sagainstance_changelist"), {"parked": "yes"})

    assert "120.50 EUR (book flight)" in page.content.decode()
    assert "120.50 EUR (book flight)" in shown(operator, saga)


def _parked_with_a_price() -> SagaInstance:
    toy.reset(price={"amount": "120.50", "currency": "EUR"})
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["no"]
    return run(start())


@pytest.mark.parametrize(("superuser", "status"), [(True, 200), (False, 403)])
def test_staff_who_may_see_sagas_are_told_what_is_at_stake(superuser: bool, status: int) -> None:
    saga = _parked_with_a_price()
    user = get_user_model().objects.create_user(
        email="olga@example.com", password="x" * 20, is_staff=True, is_superuser=superuser
    )
    api = APIClient()
    api.force_authenticate(user)

    answer = api.get("/api/v1/sagas/parked")

    assert answer.status_code == status
    if superuser:
        [listed] = answer.json()["sagas"]
        assert listed["saga_id"] == str(saga.pk)
        assert listed["exposure"] == [
            {"step": "book", "item": "flight", "amount": "120.50", "currency": "EUR"}
        ]


def test_a_confirmed_trip_is_cancelled_with_its_providers(operator: Client, books: Any) -> None:
    reservation_id = books.book("skyways:standard")
    saga = SagaInstance.objects.get(subject_id=reservation_id)
    page = shown(operator, saga)

    do(operator, saga, "cancel", confirmed="yes", reason="asked by phone")
    books.work(reservation_id)

    assert f'id="cancel-{saga.pk}"' in page
    assert books.status(reservation_id) == "cancelled"
    assert books.there(reservation_id).orders == ["cancelled"]
    assert AuditEntry.objects.get(action="cancel").reason == "asked by phone"


def test_who_saw_a_trip_being_booked_cancels_nothing_that_is_booked(
    operator: Client, books: Any
) -> None:
    reservation_id = books.compose("skyways:standard")
    books.ada.send(f"reservations/{reservation_id}/confirm", key="k")
    saga = SagaInstance.objects.get(subject_id=reservation_id)
    asked = do(operator, saga, "cancel").content.decode()
    books.work(reservation_id)

    said = {"confirmed": "yes", "reason": "asked by phone", "live": str(saga.pk)}
    answer = do(operator, saga, "cancel", **said)

    assert f'name="live" value="{saga.pk}"' in asked
    assert "look again" in str(next(iter(get_messages(answer.wsgi_request))))
    assert books.status(reservation_id) == "confirmed"


def test_a_flow_about_a_booked_trip_is_cancelled_by_its_own_button_only(
    operator: Client, books: Any
) -> None:
    reservation_id = books.book("skyways:standard")
    toy.reset()
    with transaction.atomic():
        saga = control.start(toy.TOY, subject_id=reservation_id)

    assert shown(operator, saga).count(f'id="cancel-{saga.pk}"') == 1


def test_who_cancels_an_earlier_attempt_leaves_the_newer_one(operator: Client, books: Any) -> None:
    reservation_id = books.book("skyways:standard", card="pm_card_chargeDeclined")
    failed = SagaInstance.objects.get(subject_id=reservation_id)
    books.pay(reservation_id)
    books.ada.send(f"reservations/{reservation_id}/confirm", key="again")

    answer = do(operator, failed, "cancel", confirmed="yes", reason="asked by phone")

    assert "not the last flow" in str(next(iter(get_messages(answer.wsgi_request))))
    assert books.work(reservation_id).state == "completed"


def test_the_page_of_a_booked_trip_shows_money_partners_references_and_titles(
    operator: Client, books: Any
) -> None:
    reservation_id = books.book("skyways:standard")
    [intent], [order] = books.there(reservation_id).intents, books.there(reservation_id).rows

    page = shown(operator, SagaInstance.objects.get(subject_id=reservation_id))

    for said in (intent, order["id"], order["confirmation_code"], "captured", "SkyWays Airlines"):
        assert said in page, said
    assert "book SW449 London - New York" in page


def test_a_draft_has_a_page_though_nothing_was_begun(operator: Client, books: Any) -> None:
    draft = books.compose("skyways:standard")

    page = operator.get(reverse("admin:booking_trip", args=[draft])).content.decode()

    assert "Nothing was begun" in page
    assert 'name="action"' not in page


def test_a_privacy_officer_forgets_a_traveller(client: Client, books: Any) -> None:
    account = Account.objects.get()
    client.force_login(somebody("privacy officer"))
    form = {"action": "erase", "_selected_action": [account.pk], "reason": "letter of 3 May"}

    asked = client.post(reverse("admin:booking_account_changelist"), form)
    before = Account.objects.get().full_name
    client.post(reverse("admin:booking_account_changelist"), {**form, "confirmed": "yes"})

    assert "There is no way back." in asked.content.decode()
    assert (before, Account.objects.get().full_name) == ("Ada Trip", "erased")
    assert AuditEntry.objects.get(action="erase").reason == "letter of 3 May"
    assert "Ada" not in str(AuditEntry.objects.values())
