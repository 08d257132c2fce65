"""A30, A31: PostgreSQL restarts in the middle of everything, Redis is away for a while: nothing is lost or doubled."""

from tests.flows.conftest import Story
from tests.patience import until


def _confirm(story: Story, number: int) -> list[str]:
    reservations = []
    for _ in range(number):
        reservation = story.api.compose(flight="standard", stay="slow")
        story.api.pay_with(reservation, "pm_card_visa")
        story.api.confirm(reservation).raise_for_status()
        reservations.append(reservation)
    return reservations


def _all_are_booked_once(story: Story, reservations: list[str]) -> None:
    for reservation in reservations:
        assert story.api.until_final(reservation)["status"] == "confirmed"
        story.check(reservation)
    until(
        lambda: story.stack.manage("eventbus", "doctor", check=False).returncode == 0,
        what="CRM having heard everything",
    )


def test_postgresql_may_restart_without_warning(story: Story) -> None:
    reservations = _confirm(story, 3)

    story.stack.postgres.restart(mode="immediate")

    until(lambda: story.api.http.get("accounts/me").status_code == 200, what="the API being back")
    _all_are_booked_once(story, reservations)


def test_redis_may_be_away_while_trips_are_confirmed(story: Story) -> None:
    story.stack.redis.kill()
    try:
        reservations = _confirm(story, 2)
        for reservation in reservations:
            assert story.api.until_final(reservation)["status"] == "confirmed"
    finally:
        story.stack.redis.start()

    _all_are_booked_once(story, reservations)
