"""A27: a worker is killed in the middle of a step: the trip is booked all the same, once."""

from tests.flows.conftest import Story
from tests.patience import until


def test_a_worker_killed_during_a_call_is_survived(story: Story) -> None:
    reservation = story.api.compose(flight="standard", stay="slow", car="standard")
    story.api.pay_with(reservation, "pm_card_visa")
    story.api.confirm(reservation)
    until(lambda: story.orders(reservation), what="the first order")

    victims = [story.stack.processes[name] for name in ("worker-provider", "sweeper")]
    for victim in victims:
        victim.kill()
    for victim in victims:
        victim.start()

    assert story.api.until_final(reservation)["status"] == "confirmed"
    assert story.orders(reservation) == {
        "skyways": ["confirmed"],
        "restwell": ["confirmed"],
        "wheelio": ["confirmed"],
    }
    story.check(reservation)
