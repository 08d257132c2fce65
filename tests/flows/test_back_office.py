"""The web admin of a running system: an operator follows a booking until it is confirmed, by keyboard alone."""

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.looking import SHOTS, Looking
from tests.flows.conftest import ONCE, Story
from tests.patience import until


@ONCE
def test_a_running_booking_is_followed_to_confirmed(story: Story, page: Page) -> None:
    operator: Any = json.loads(story.stack.manage("seed").stdout)["logins"][0]
    reservation = story.api.compose(flight="standard", stay="standard")
    story.api.pay_with(reservation, "pm_card_authenticationRequired")
    story.api.confirm(reservation).raise_for_status()
    until(lambda: story.api.get(reservation)["progress"]["action"], what="3-D Secure")
    looking = Looking(page, story.stack.urls["web"])
    looking.sign_in_as(operator["email"], operator["password"])
    looking.follow("Flows")
    looking.press("Tab", until="Search")
    page.keyboard.type(reservation)
    looking.enter()
    looking.follow("confirm-reservation")
    state = page.locator("#facts-title .office-state")
    expect(state).to_have_text("held")
    expect(page.get_by_role("cell", name="… waiting")).to_be_visible()
    page.evaluate("window.sameDocument = true")

    story.bank(reservation, "succeed")

    expect(state).to_have_text("confirmed", timeout=30_000)
    expect(page.get_by_role("status")).to_have_text("It is now confirmed.")
    expect(page.get_by_role("cell", name="✓ done")).to_have_count(6)
    assert page.evaluate("window.sameDocument")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "trip-followed.png", full_page=True)
