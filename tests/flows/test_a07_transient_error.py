"""A7: a transient error, the retry succeeds: one booking, one charge."""

import pytest

from tests.flows.conftest import Story


@pytest.mark.parametrize("product", ["error-once", "reset-once", "garbage-once"])
def test_a_transient_error_at_a_partner_costs_a_retry_only(story: Story, product: str) -> None:
    reservation = story.api.book(flight="standard", stay=product)

    assert story.api.get(reservation)["status"] == "confirmed"
    assert story.orders(reservation) == {"skyways": ["confirmed"], "restwell": ["confirmed"]}
    assert "unknown" in story.kinds(reservation, "book")
    story.check(reservation)


def test_an_error_that_the_card_processor_saves_is_overcome_with_a_new_key(story: Story) -> None:
    reservation = story.api.book(flight="standard", card="pm_card_error_once")

    assert story.api.get(reservation)["status"] == "confirmed"
    assert story.intents(reservation) == ["succeeded"]
    story.check(reservation)
