"""A26: the price changed or the offer expired between search and confirm: the traveller is asked, nothing is bought."""

import pytest

from tests.flows.conftest import ONCE, Story

PRICE = ("offer_id", "amount", "currency")
TRAVELLERS = [{"given_name": "Ada", "family_name": "Traveller"}]


@pytest.mark.parametrize(
    ("product", "reason"), [("price-changed", "price_changed"), ("offer-expires", "offer_expired")]
)
def test_a_partner_that_would_charge_otherwise_is_not_booked_and_all_is_given_back(
    story: Story, product: str, reason: str
) -> None:
    reservation = story.api.book(flight="standard", stay=product)

    found = story.api.get(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", reason)
    assert story.orders(reservation) == {"skyways": ["cancelled"]}
    assert story.intents(reservation) == ["canceled"]
    story.check(reservation)


@ONCE
def test_the_new_price_must_be_accepted_before_anything_is_bought(story: Story) -> None:
    offer = story.api.find("stay", "price-changed")
    trip = {"offers": [{name: offer[name] for name in PRICE}], "travellers": TRAVELLERS}
    first = story.api.post("reservations", trip)["id"]
    story.api.pay_with(first, "pm_card_visa")
    story.api.confirm(first).raise_for_status()
    assert story.api.until_final(first)["progress"]["reason"] == "price_changed"

    unaware = story.api.http.post("reservations", json=trip)
    [asked] = unaware.json()["offers"]
    accepted = {"offers": [{name: asked[name] for name in PRICE}], "travellers": TRAVELLERS}
    second = story.api.post("reservations", accepted)["id"]
    story.api.pay_with(second, "pm_card_visa")
    story.api.confirm(second).raise_for_status()

    assert (unaware.status_code, unaware.json()["code"]) == (409, "price_changed")
    assert float(asked["amount"]) > float(offer["amount"])
    found = story.api.until_final(second)
    assert (found["status"], found["amount"]) == ("confirmed", asked["amount"])
    assert story.orders(first) == {}
    [intent] = story.ledger(second)["payment_intents"]
    assert intent["amount_received"] == round(float(asked["amount"]) * 100)
    story.check(second)
