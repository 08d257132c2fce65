"""A8: retries are exhausted before the deadline: compensated."""

from tests.flows.conftest import Story


def test_a_partner_that_never_recovers_is_given_up(story: Story) -> None:
    reservation = story.api.book(flight="standard", stay="error-always", seconds=120)

    found = story.api.get(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", "retries_exhausted")
    assert story.orders(reservation)["skyways"] == ["cancelled"]
    assert story.intents(reservation) == ["canceled"]
    story.check(reservation)
