"""The first page of the web admin: today at a glance, in figures and in charts drawn in the page."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import toy
from tests.integration.backoffice.people import somebody
from tests.integration.booking.test_engine import run, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(somebody("operator"))
    return client


def panel(client: Client, name: str) -> dict[str, Any]:
    return next(found for found in client.get("/admin/").context["panels"] if name in found)


def test_flows_are_counted_by_state(operator: Client) -> None:
    toy.reset()
    run(start())
    toy.WORLD.answers["authorise"] = ["no"]
    run(start())
    start()

    found = panel(operator, "failures")

    assert "running 1, pivoting 0, finishing 0, compensating 0, completed 1, failed 1" in str(
        found["chart"]
    )
    assert [saga.reason for saga in found["failures"]] == ["no"]


def test_what_waits_for_a_person_is_named_with_what_is_at_stake(operator: Client) -> None:
    toy.reset(price={"amount": "120.50", "currency": "EUR"})
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["no"]
    saga = run(start())

    found = panel(operator, "parked_count")

    assert (found["parked_count"], found["stake"]) == (1, "120.50 EUR")
    assert [row.saga_id for row in found["parked"]] == [saga.pk]


def test_revenue_is_what_was_captured_and_not_given_back(operator: Client, books: Any) -> None:
    books.book("skyways:standard")
    cancelled = books.book("skyways:standard")
    books.cancel(cancelled)
    [payment] = [books.there(cancelled).payments[0]]

    [revenue] = panel(operator, "revenues")["revenues"]

    given_back = payment[2] / 100
    assert payment[0] == "succeeded"
    assert float(revenue["today"]) == pytest.approx(2 * payment[1] / 100 - given_back)
    assert revenue["chart"].count("<rect") == 14


def questions(client: Client) -> int:
    with CaptureQueriesContext(connection) as asked:
        client.get("/admin/")
    return len(asked)


def test_the_page_asks_the_same_number_of_questions_however_much_happened(operator: Client) -> None:
    toy.reset()
    run(start())
    operator.get("/admin/")
    before = questions(operator)
    for _ in range(12):
        run(start())

    assert questions(operator) == before
    assert before <= 24
