"""A2: the first step is refused: nothing was done, nothing is compensated."""

from datetime import UTC, datetime

from tests.flows.conftest import Story
from tests.patience import until


def test_an_offer_that_expired_before_confirming_is_never_sent_to_anybody(story: Story) -> None:
    reservation = story.api.compose(flight="expires-soon", stay="standard")
    story.api.pay_with(reservation, "pm_card_visa")
    expires_at = min(item["expires_at"] for item in story.api.get(reservation)["items"])
    until(lambda: datetime.now(UTC) > datetime.fromisoformat(expires_at), what="the offer expiring")

    story.api.confirm(reservation)

    found = story.api.until_final(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", "offer_expired")
    assert story.orders(reservation) == {}
    assert story.kinds(reservation, "authorise") == []
    story.check(reservation)
