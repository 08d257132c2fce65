"""A22, A23: 3-D Secure: the saga waits; the customer acts and it goes on; or never acts, and all is released."""

import httpx

from tests.flows.conftest import Story
from tests.patience import until


def _waiting(story: Story, card: str = "pm_card_authenticationRequired") -> str:
    reservation = story.api.compose(flight="standard", stay="standard")
    story.api.pay_with(reservation, card)
    story.api.confirm(reservation).raise_for_status()
    until(lambda: story.api.get(reservation)["progress"]["action"], what="3-D Secure")
    return reservation


def test_a_customer_who_passes_three_d_secure_gets_the_trip(story: Story) -> None:
    reservation = _waiting(story)
    page = story.api.get(reservation)
    assert page["payment"]["status"] == "waiting"
    assert story.orders(reservation) == {}

    story.bank(reservation, "succeed")

    assert story.api.until_final(reservation)["status"] == "confirmed"
    assert story.intents(reservation) == ["succeeded"]
    story.check(reservation)


def test_a_customer_who_fails_three_d_secure_pays_nothing(story: Story) -> None:
    reservation = _waiting(story)

    story.bank(reservation, "fail")

    found = story.api.until_final(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", "authentication_failed")
    assert story.orders(reservation) == {}
    story.check(reservation)


def test_a_customer_who_never_acts_loses_the_hold_and_cannot_pay_afterwards(story: Story) -> None:
    reservation = _waiting(story)
    action = story.api.get(reservation)["progress"]["action"]

    found = story.api.until_final(reservation)

    late = httpx.get(action["url"], params={"result": "succeed"})
    assert (found["status"], found["progress"]["reason"]) == ("failed", "action_timed_out")
    assert story.kinds(reservation, "hold") == ["done", "compensated"]
    assert late.status_code == 400
    assert story.intents(reservation) == ["canceled"]
    story.check(reservation)
