"""Sagas in the web admin: seen by operators, let try again with a reason, changed by nobody."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from booking.orchestrator import engine
from booking.orchestrator.models import SagaEvent, SagaInstance
from tests import toy
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


def settle(operator: Client, saga: SagaInstance, reason: str) -> None:
    operator.post(
        reverse("admin:booking_sagainstance_changelist"),
        {"action": "retry", "_selected_action": [saga.pk], "reason": reason},
    )
    saga.refresh_from_db()


def test_a_parked_saga_is_listed_with_what_it_waits_for(
    operator: Client, parked: SagaInstance
) -> None:
    page = operator.get(reverse("admin:booking_sagainstance_changelist"), {"parked": "yes"})

    assert "compensation incomplete: book flight" in page.content.decode()


def test_its_page_shows_every_call_and_what_happened(
    operator: Client, parked: SagaInstance
) -> None:
    page = operator.get(reverse("admin:booking_sagainstance_change", args=[parked.pk]))

    shown = page.content.decode()
    assert page.status_code == 200
    assert "tests/toy.py:" in shown
    assert "compensating" in shown


def test_an_operator_lets_it_try_again_with_a_reason(
    operator: Client, parked: SagaInstance
) -> None:
    settle(operator, parked, "the partner cancels now")

    retried = SagaEvent.objects.get(saga=parked, kind="retried")
    engine.advance(parked.pk)
    parked.refresh_from_db()
    assert retried.detail["reason"] == "the partner cancels now"
    assert "olga@example.com" in retried.actor
    assert parked.state == "failed"


def test_without_a_reason_nothing_happens(operator: Client, parked: SagaInstance) -> None:
    settle(operator, parked, " ")

    assert parked.attention_reason is not None


def test_nobody_edits_a_saga(operator: Client, parked: SagaInstance) -> None:
    url = reverse("admin:booking_sagainstance_change", args=[parked.pk])

    answer = operator.post(url, {"state": "completed"})

    assert answer.status_code == 403
    assert operator.get(reverse("admin:booking_sagainstance_add")).status_code == 403


def test_what_is_at_stake_is_listed_with_currency_and_leg(operator: Client) -> None:
    saga = _parked_with_a_price()

    page = operator.get(reverse("admin:booking_sagainstance_changelist"), {"parked": "yes"})

    assert "120.50 EUR (book flight)" in page.content.decode()
    shown = operator.get(reverse("admin:booking_sagainstance_change", args=[saga.pk]))
    assert "120.50 EUR (book flight)" in shown.content.decode()


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
        [shown] = answer.json()["sagas"]
        assert shown["saga_id"] == str(saga.pk)
        assert shown["exposure"] == [
            {"step": "book", "item": "flight", "amount": "120.50", "currency": "EUR"}
        ]
