"""A10, A11: a partner does not answer, having booked or not: exactly one booking in the end."""

import pytest

from tests.flows.conftest import Story


@pytest.mark.parametrize("product", ["timeout-after", "timeout-before", "slow-drip", "late-effect"])
@pytest.mark.parametrize("partner", ["restwell", "oldinn"])
def test_a_partner_that_does_not_answer_books_exactly_once(
    story: Story, partner: str, product: str
) -> None:
    reservation = story.api.book(flight="standard", stay=f"{partner}:{product}", seconds=90)

    assert story.api.get(reservation)["status"] == "confirmed"
    assert story.orders(reservation) == {"skyways": ["confirmed"], partner: ["confirmed"]}
    story.check(reservation)


@pytest.mark.parametrize("product", ["timeout-before", "timeout-after", "late-effect"])
def test_a_partner_without_tombstones_books_exactly_once(story: Story, product: str) -> None:
    reservation = story.api.book(flight=f"budgetair:{product}", stay="standard", seconds=90)

    assert story.api.get(reservation)["status"] == "confirmed"
    assert story.orders(reservation) == {"budgetair": ["confirmed"], "restwell": ["confirmed"]}
    story.check(reservation)
