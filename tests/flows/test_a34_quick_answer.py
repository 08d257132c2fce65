"""A34: who prefers to wait gets the final answer if it is there in time, else 202 and where to look."""

from tests.flows.conftest import ONCE, Story


def _ready(story: Story, **products: str) -> str:
    reservation = story.api.compose(**products)
    story.api.pay_with(reservation, "pm_card_visa")
    return reservation


@ONCE
def test_a_quick_trip_is_answered_finally(story: Story) -> None:
    reservation = _ready(story, flight="standard")

    answer = story.api.confirm(reservation, wait=2)

    assert answer.status_code == 200
    assert answer.json()["status"] == "confirmed"
    assert answer.json()["progress"]["finished_at"]
    assert answer.headers["Preference-Applied"] == "wait=2"
    story.check(reservation)


def test_a_slow_trip_is_accepted_with_the_place_to_look_at(story: Story) -> None:
    reservation = _ready(story, flight="standard", stay="timeout-after")

    answer = story.api.confirm(reservation, wait=1)

    assert answer.status_code == 202
    assert answer.json()["status"] == "confirming"
    assert answer.headers["Retry-After"] == "1"
    assert answer.elapsed.total_seconds() < 5
    looked_at = story.api.http.get(story.stack.urls["web"] + answer.headers["Location"])
    assert looked_at.json()["id"] == reservation
    assert story.api.until_final(reservation)["status"] == "confirmed"
    story.check(reservation)


@ONCE
def test_who_does_not_wait_is_answered_at_once(story: Story) -> None:
    reservation = _ready(story, flight="standard", stay="slow")

    answer = story.api.confirm(reservation)

    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers
    assert answer.elapsed.total_seconds() < 2
    assert story.api.until_final(reservation)["status"] == "confirmed"
