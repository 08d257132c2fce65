"""A33: a partner does not answer: its breaker opens, its sagas wait within their deadline, others are not affected."""

import time
from datetime import date, timedelta

from devstack.traveller import SEARCHES
from tests.flows.conftest import ONCE, Story
from tests.patience import until

ENOUGH = 4
"""More trips than the breaker lets fail (PARTNER_BREAKER_CALLS)."""


def _begun(story: Story, **products: str) -> str:
    reservation = story.api.compose(**products)
    story.api.pay_with(reservation, "pm_card_visa")
    return reservation


@ONCE
def test_a_partner_that_hangs_is_left_alone_until_it_is_back(story: Story) -> None:
    held = [_begun(story, flight="standard", stay="standard") for _ in range(ENOUGH)]
    late = _begun(story, stay="standard")
    others = [_begun(story, flight="standard", car="standard") for _ in range(2)]

    story.outage("restwell", "hang")
    try:
        for reservation in held:
            story.api.confirm(reservation).raise_for_status()
        until(lambda: any(_postponed(story, each) for each in held), what="the breaker opening")

        story.api.confirm(late).raise_for_status()
        until(lambda: _postponed(story, late), what="the late trip waiting")
        search = {**SEARCHES["stay"], "kind": "stay", "date": _in_a_month()}
        searched = story.api.http.get("offers", params=search)
        started = time.monotonic()
        for reservation in others:
            story.api.confirm(reservation).raise_for_status()
        for reservation in others:
            assert story.api.until_final(reservation)["status"] == "confirmed"
        took = time.monotonic() - started
        [call] = [c for c in story.api.get(late)["progress"]["calls"] if c["step"] == "book"]
    finally:
        story.outage("restwell", "ok")

    assert searched.json()["unavailable_partners"] == ["restwell"]
    assert searched.elapsed.total_seconds() < 2  # nobody waits for who is left alone
    assert took < 15
    assert call["tries"] <= 1  # it may have been the one that was let through
    assert call["next_try_at"] or call["tries"]
    for reservation in [*held, late]:
        found = story.api.until_final(reservation)
        assert found["status"] == "confirmed"
        story.check(reservation)


def _postponed(story: Story, reservation: str) -> bool:
    return "postponed" in story.kinds(reservation, "book")


def _in_a_month() -> str:
    return (date.today() + timedelta(days=30)).isoformat()
