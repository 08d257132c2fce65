"""A6: the card is declined: at authorisation no partner is asked, at capture all legs are cancelled."""

from tests.flows.conftest import Story


def test_a_card_declined_at_authorisation_buys_nothing(story: Story) -> None:
    reservation = story.api.book(flight="standard", stay="standard", card="pm_card_chargeDeclined")

    found = story.api.get(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", "card_declined")
    assert story.orders(reservation) == {}
    assert story.kinds(reservation, "book") == []
    story.check(reservation)


def test_a_card_declined_at_capture_cancels_every_leg(story: Story) -> None:
    reservation = story.api.book(
        flight="standard", stay="standard", car="standard", card="pm_card_declineAtCapture"
    )

    assert story.api.get(reservation)["status"] == "failed"
    assert story.orders(reservation) == {
        "skyways": ["cancelled"],
        "restwell": ["cancelled"],
        "wheelio": ["cancelled"],
    }
    assert "succeeded" not in story.intents(reservation)
    story.check(reservation)
