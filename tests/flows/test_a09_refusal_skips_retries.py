"""A9: a refusal is final: it skips the retries."""

from tests.flows.conftest import Story


def test_a_refusal_is_asked_for_once(story: Story) -> None:
    reservation = story.api.book(stay="sold-out")

    calls = [call for call in story.ledger(reservation)["calls"] if call["method"] == "PUT"]
    assert len(calls) == 1
    assert story.kinds(reservation, "book") == ["refused"]
    story.check(reservation)
