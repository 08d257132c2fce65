"""A21: a genuine second attempt after a failure works, also after the first one had to be refunded."""

import httpx

from tests.flows.conftest import ONCE, Story
from tests.patience import until


def test_another_card_after_a_declined_one_books_the_trip(story: Story) -> None:
    reservation = story.api.book(flight="standard", stay="standard", card="pm_card_chargeDeclined")
    assert story.api.get(reservation)["status"] == "failed"

    story.api.pay_with(reservation, "pm_card_visa")
    story.api.confirm(reservation).raise_for_status()

    found = story.api.until_final(reservation)
    assert found["status"] == "confirmed"
    assert story.orders(reservation) == {"skyways": ["confirmed"], "restwell": ["confirmed"]}
    assert story.intents(reservation).count("succeeded") == 1
    assert story.events(reservation, "reservation.failed") == ["reservation.failed.v1"]
    assert story.events(reservation, "reservation.confirmed") == ["reservation.confirmed.v1"]


@ONCE
def test_a_first_attempt_that_was_captured_behind_our_back_is_refunded_and_tried_again(
    story: Story,
) -> None:
    reservation = story.api.compose(flight="standard", stay="sold-out-once")
    story.api.pay_with(reservation, "pm_card_visa")
    story.outage("restwell", "hang")
    try:
        story.api.confirm(reservation).raise_for_status()
        until(lambda: story.intents(reservation) == ["requires_capture"], what="the authorisation")
        _capture_by_hand(story, reservation)
    finally:
        story.outage("restwell", "ok")
    assert story.api.until_final(reservation)["progress"]["reason"] == "sold_out"
    assert story.api.get(reservation)["payment"]["status"] == "refunded"

    story.api.pay_with(reservation, "pm_card_visa")
    story.api.confirm(reservation).raise_for_status()

    found, ledger = story.api.until_final(reservation), story.ledger(reservation)
    kept = sum(c["amount"] for c in ledger["captures"]) - sum(
        r["amount"] for r in ledger["refunds"]
    )
    assert found["status"] == "confirmed"
    assert (len(ledger["captures"]), kept) == (2, round(float(found["amount"]) * 100))
    assert story.orders(reservation)["restwell"] == ["confirmed"]


def _capture_by_hand(story: Story, reservation: str) -> None:
    """Do what somebody at the card processor's own desk can do."""
    [intent] = story.ledger(reservation)["payment_intents"]
    url = f"{story.stack.urls['sandbox']}/v1/payment_intents/{intent['id']}/capture"
    key = {"Authorization": f"Bearer {story.stack.env['STRIPE_API_KEY']}"}
    httpx.post(url, headers=key).raise_for_status()
