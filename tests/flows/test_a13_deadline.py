"""A13: the deadline passes: compensated, even if Redis was wiped."""

import redis

from tests.flows.conftest import Story
from tests.patience import until


def test_a_deadline_that_passes_gives_everything_back_though_redis_was_wiped(story: Story) -> None:
    reservation = story.api.compose(flight="expires-shortly", stay="standard")
    story.api.pay_with(reservation, "pm_card_visa")
    story.outage("restwell", "hang")
    try:
        story.api.confirm(reservation).raise_for_status()
        expires_at = story.api.get(reservation)["expires_at"]

        redis.from_url(story.stack.urls["redis"]).flushall()

        until(lambda: story.api.get(reservation)["progress"]["reason"], what="the deadline")
    finally:
        story.outage("restwell", "ok")
    found = story.api.until_final(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", "deadline_passed")
    assert found["progress"]["deadline_at"] == expires_at
    assert story.orders(reservation) == {"skyways": ["cancelled"]}
    assert story.intents(reservation) == ["canceled"]
    story.check(reservation)
