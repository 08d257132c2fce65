"""How many SQL statements an answer costs: the same for many items as for one."""

import sys
import uuid
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken
from rest_framework.test import APIClient

from booking.orchestrator import engine, moves
from booking.orchestrator.models import SagaInstance
from identity.models import User
from tests.integration.api import cast as people
from tests.integration.api import document
from tests.integration.booking.hanging_up import hang_up
from tests.integration.crm.story import AIRLINE, Story, leg, tell_all

pytestmark = pytest.mark.django_db

READERS: Final = {"crm_": "agent", "sagas_": "operator"}
MANY: Final = 5


@pytest.fixture(autouse=True)
def _nobody_works(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr("booking.tasks.dispatch", lambda saga_id: True)
    settings.PARTNER_LOOK_SECONDS = 0  # what is known of breakers is never new enough


def reader_of(cast: people.Cast, operation: document.Operation) -> APIClient:
    role = next((READERS[name] for name in READERS if operation.id.startswith(name)), "traveller")
    return cast.roles[role]


def cost(cast: people.Cast, operation: document.Operation, parts: dict[str, Any]) -> int:
    """Return how many statements the answer takes."""
    with CaptureQueriesContext(connection) as statements:
        answer = reader_of(cast, operation).get(
            operation.at(**parts), people.queries_for(operation.id)
        )
    hang_up(answer)
    assert answer.status_code == 200, (operation.id, answer.content)
    return len(statements)


def confirmed(cast: people.Cast, items: int) -> SagaInstance:
    """Compose a trip of so many flights and ask for it to be booked."""
    trip = cast.ada.composed(*(cast.ada.offer() for _ in range(items)), card="pm_card_visa")
    answer = cast.ada.send(f"reservations/{trip['id']}/confirm", key=str(uuid.uuid4()))
    assert answer.status_code == 202, answer.content
    return SagaInstance.objects.get(subject_id=trip["id"])


def trips_of(cast: people.Cast, items: int) -> dict[str, Any]:
    """Book a trip, let another wait for a person; return the parts of the addresses of the first."""
    booked, parked = confirmed(cast, items), confirmed(cast, items)
    engine.advance(booked.pk)
    moves.park(parked.pk, "a person must look")
    return {**cast.parts("ada's"), "reservation_id": booked.subject_id}


def more_of_everything(cast: people.Cast) -> None:
    """Add rows to every list that somebody can ask for."""
    told, user = Story(), User.objects.get(email=cast.ada.email)
    for number in range(MANY):
        AuthToken.objects.create(user)
        for traveller in (uuid.uuid4(), cast.ada.account_id):
            told.account(traveller, f"C{number} Customer").confirmed(
                reservation_id=uuid.uuid4(), account_id=traveller, legs=(leg(AIRLINE, "10.00"),)
            )
    tell_all(told.events)
    customer, agent = f"/api/v1/crm/customers/{cast.ada.account_id}", cast.roles["agent"]
    for body, name in ((people.NOTE, "notes"), (people.MESSAGE, "messages")) * MANY:
        assert agent.post(f"{customer}/{name}", body, format="json").status_code < 300
    choices = [{**people.CHOICE, "channel": channel} for channel in ("email", "sms", "phone")]
    answer = agent.put(f"{customer}/preferences", {"preferences": choices}, format="json")
    assert answer.status_code == 200


def test_an_answer_costs_as_many_statements_for_many_items_as_for_one(
    cast: people.Cast, capsys: Any
) -> None:
    operations = [one for one in document.operations() if one.method == "get"]

    few = {one.id: cost(cast, one, parts) for parts in [trips_of(cast, 1)] for one in operations}
    more_of_everything(cast)
    many = {
        one.id: cost(cast, one, parts) for parts in [trips_of(cast, MANY)] for one in operations
    }

    with capsys.disabled():
        costs = ", ".join(f"{name} {number}" for name, number in sorted(many.items()))
        sys.stdout.write(f"\nstatements: {costs}\n")
    assert many == few
