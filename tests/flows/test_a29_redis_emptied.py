"""A29: Redis is emptied: no saga and no event is lost or doubled."""

import redis

from tests.flows.conftest import Story
from tests.patience import until


def test_redis_may_be_emptied_at_any_moment(story: Story) -> None:
    reservations = []
    for _ in range(4):
        reservation = story.api.compose(flight="standard", stay="slow")
        story.api.pay_with(reservation, "pm_card_visa")
        story.api.confirm(reservation)
        reservations.append(reservation)
        redis.from_url(story.stack.urls["redis"]).flushall()

    for reservation in reservations:
        assert story.api.until_final(reservation)["status"] == "confirmed"
        story.check(reservation)
    until(
        lambda: story.stack.manage("eventbus", "doctor", check=False).returncode == 0,
        what="CRM having heard everything",
    )
