"""A12: the capture does not answer, done or not done: exactly one capture, never compensated while unknown."""

import pytest

from tests.flows.conftest import Story


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_unanswered_capture_is_made_exactly_once(story: Story, when: str) -> None:
    reservation = story.api.book(
        flight="standard", stay="standard", card=f"pm_card_capture_timeout_{when}", seconds=90
    )

    kinds = [entry["kind"] for entry in story.api.timeline(reservation)]
    assert story.api.get(reservation)["status"] == "confirmed"
    assert "compensating" not in kinds
    assert len(story.ledger(reservation)["captures"]) == 1
    story.check(reservation)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_unanswered_authorisation_is_made_exactly_once(story: Story, when: str) -> None:
    reservation = story.api.book(
        flight="standard", card=f"pm_card_authorise_timeout_{when}", seconds=90
    )

    assert story.intents(reservation) == ["succeeded"]
    story.check(reservation)
