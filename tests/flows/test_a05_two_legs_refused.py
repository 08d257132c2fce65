"""A5: two legs are refused at once."""

from tests.flows.conftest import Story


def test_two_refusals_at_once_compensate_the_third_leg(story: Story) -> None:
    reservation = story.api.book(flight="standard", stay="sold-out", car="refused")

    assert story.api.get(reservation)["status"] == "failed"
    assert story.orders(reservation) == {"skyways": ["cancelled"]}
    story.check(reservation)
