"""Compensated, not quite compensated, and a loss that was accepted differ wherever they show."""

from typing import Any

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format

from booking import tasks
from booking.orchestrator import control, engine
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.shape import StepState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("partners")]


@pytest.fixture(autouse=True)
def _instant_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a saga as far as it goes, where it is dispatched."""

    def run(saga_id: Any) -> bool:
        for _ in range(20):
            engine.advance(saga_id)
        return True

    monkeypatch.setattr(tasks, "dispatch", run)


class Faces:
    """One failed reservation, as the API, the admin and the command line show it."""

    def __init__(self, ada: Any, client: Client, capsys: Any) -> None:
        self.ada, self.client, self.capsys = ada, client, capsys
        user = get_user_model().objects.create_superuser(
            email="olga@example.com", password="x" * 20
        )
        client.force_login(user)
        self.page: dict[str, Any] = {}

    def book(self, *, flight: str, stay: str = "sold-out") -> None:
        offers = [self.ada.offer(product=flight), self.ada.offer(kind="stay", product=stay)]
        page = self.ada.composed(*offers, card="pm_card_visa")
        self.ada.send(f"reservations/{page['id']}/confirm", key="k")
        self.page = page

    @property
    def saga(self) -> SagaInstance:
        return SagaInstance.objects.get(subject_id=self.page["id"])

    def accept_the_loss(self) -> None:
        flight = self.page["items"][0]["id"]
        control.resolve(
            saga_id=self.saga.pk, step="book", item=flight, outcome=StepState.ACCEPTED,
            actor="olga", evidence="invoice 4711",
        )  # fmt: skip
        tasks.dispatch(self.saga.pk)

    def api(self) -> dict[str, Any]:
        return dict(self.ada.get(self.page["links"]["self"]).json())

    def told(self) -> str:
        """Return the last sentence of the timeline."""
        return str(self.ada.get(self.page["links"]["timeline"]).json()["timeline"][-1]["text"])

    def listed(self) -> str:
        call_command("saga", "list")
        return str(self.capsys.readouterr().out)

    def shown(self) -> str:
        call_command("saga", "show", self.page["id"])
        return str(self.capsys.readouterr().out)

    def admin(self, *path: str) -> str:
        name = "change" if path else "changelist"
        url = reverse(f"admin:booking_sagainstance_{name}", args=path)
        return self.client.get(url, follow=True).content.decode()


@pytest.fixture
def faces(ada: Any, client: Client, capsys: pytest.CaptureFixture[str]) -> Faces:
    return Faces(ada, client, capsys)


def test_what_is_taken_back_is_called_compensated(faces: Faces) -> None:
    faces.book(flight="standard")

    shown = faces.api()
    assert (shown["status"], shown["progress"]["compensation"]) == ("failed", "compensated")
    assert faces.told().endswith("Nothing was bought and nothing was taken.")
    assert "failed  compensated  sold_out" in faces.listed()
    assert "compensation:        compensated" in faces.shown()
    assert ">compensated<" in faces.admin()
    assert "compensated" in faces.admin(str(faces.saga.pk))


def test_what_could_not_be_taken_back_is_called_incomplete(faces: Faces) -> None:
    faces.book(flight="cancel-refused")

    shown, words = faces.api(), "compensation_incomplete"
    assert (shown["status"], shown["progress"]["compensation"]) == ("held", words)
    assert shown["progress"]["needs_a_person"] is True
    assert faces.told() == "Not everything could be taken back yet; a colleague will see to it."
    assert f"compensating  {words}  PARKED  compensation incomplete: book" in faces.listed()
    assert "compensation:        compensation incomplete" in faces.shown()
    assert "waits for a person:  compensation incomplete: book" in faces.shown()
    assert ">compensation incomplete<" in faces.admin()
    assert "✗" in faces.admin(str(faces.saga.pk))


def test_a_loss_that_was_accepted_is_never_called_compensated(faces: Faces) -> None:
    faces.book(flight="cancel-refused")
    faces.accept_the_loss()

    shown = faces.api()
    assert (shown["status"], shown["progress"]["compensation"]) == ("failed", "loss_accepted")
    assert faces.told() == (
        "Your trip was not booked (sold out). What could not be taken back was settled by a colleague."
    )
    assert "failed  loss_accepted  sold_out" in faces.listed()
    assert "compensation:        loss accepted" in faces.shown()
    assert ">loss accepted<" in faces.admin()


def test_what_still_stands_after_a_loss_is_not_bought_again(faces: Faces, partners: Any) -> None:
    faces.book(flight="cancel-refused")
    first = faces.saga
    faces.accept_the_loss()
    path = f"reservations/{faces.page['id']}"
    faces.ada.send(f"{path}/payment", {"method": "pm_card_visa"}, method="put")

    faces.ada.send(f"{path}/confirm", key="again")

    second = SagaInstance.objects.exclude(pk=first.pk).get(subject_id=faces.page["id"])
    assert (second.state, second.reason) == ("failed", "already_booked")
    assert "refused (already booked)" in str(faces.ada.get(faces.page["links"]["timeline"]).json())
    reference = {"reference": faces.page["id"]}
    orders = httpx.get(f"{partners.url}/ledger", params=reference).json()["orders"]
    assert [order["status"] for order in orders] == ["confirmed"]


def test_the_next_attempt_is_shown_everywhere(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "dispatch", lambda saga_id: engine.advance(saga_id) is not None)
    faces.book(flight="error-once", stay="standard")

    waiting = [call for call in faces.api()["progress"]["calls"] if call["next_try_at"]]
    due = faces.saga.calls.get(state="unknown").due_at
    assert [call["state"] for call in waiting] == ["unknown"]
    assert f"next try {due:%Y-%m-%d %H:%M:%S} UTC" in faces.shown()
    assert faces.api()["progress"]["due_at"] is not None
    assert date_format(due, "DATETIME_FORMAT") in faces.admin(str(faces.saga.pk))


def test_an_operator_cancels_in_the_admin_with_a_reason(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "dispatch", lambda saga_id: True)
    faces.book(flight="standard")
    url = reverse("admin:booking_sagainstance_changelist")
    asked = {"action": "cancel", "_selected_action": [str(faces.saga.pk)], "confirmed": "yes"}

    faces.client.post(url, {**asked, "reason": " "})
    assert faces.saga.cancel_requested_at is None
    faces.client.post(url, {**asked, "reason": "the customer telephoned"})

    [entry] = faces.saga.history.filter(kind="cancel_requested")
    assert faces.saga.cancel_requested_at is not None
    assert ("olga@example.com" in entry.actor, entry.detail) == (
        True,
        {"reason": "the customer telephoned"},
    )
