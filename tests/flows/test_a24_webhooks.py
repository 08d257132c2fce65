"""A24: the payment's webhook comes twice, late, out of order, forged, or never: one trip, one charge."""

import json
import secrets
import time

import pytest

from sandbox import webhooks
from tests.flows.conftest import Story
from tests.patience import until


def _confirmed(story: Story, card: str) -> str:
    reservation = story.api.compose(flight="standard")
    story.api.pay_with(reservation, card)
    story.api.confirm(reservation).raise_for_status()
    return reservation


@pytest.mark.parametrize("messages", ["duplicate", "late", "outOfOrder", "no"])
def test_however_webhooks_come_the_customer_pays_once(story: Story, messages: str) -> None:
    reservation = _confirmed(story, f"pm_card_authenticationRequired_{messages}Webhook")

    story.bank(reservation, "succeed")

    assert story.api.until_final(reservation)["status"] == "confirmed"
    until(lambda: _delivered(story, reservation), what="the last webhook")
    assert len(story.ledger(reservation)["captures"]) == 1
    assert story.api.get(reservation)["status"] == "confirmed"
    story.check(reservation)


def _delivered(story: Story, reservation: str) -> bool:
    return not any(event["pending"] for event in story.ledger(reservation)["events"])


@pytest.mark.parametrize("secret", ["whsec_somebody_else", "whsec_sandbox"])
def test_a_forged_message_moves_nothing_and_a_signed_lie_is_not_believed(
    story: Story, secret: str
) -> None:
    reservation = _confirmed(story, "pm_card_authenticationRequired_noWebhook")
    until(lambda: story.api.get(reservation)["progress"]["action"], what="3-D Secure")
    [intent] = story.ledger(reservation)["payment_intents"]
    lie = {"object": "payment_intent", "id": intent["id"], "status": "requires_capture"}
    kind = "payment_intent.amount_capturable_updated"
    body = json.dumps({"id": f"evt_{secrets.token_hex(8)}", "type": kind, "data": {"object": lie}})
    signed = webhooks.signature(body.encode(), secret, int(time.time()))

    answer = story.api.http.post(
        "webhooks/cards", content=body, headers={"Stripe-Signature": signed}
    )

    real = secret == "whsec_sandbox"
    assert answer.status_code == (200 if real else 400)
    found = story.api.get(reservation)
    assert found["payment"]["status"] == "waiting"
    assert ("woken" in [e["kind"] for e in story.api.timeline(reservation)]) is real
    story.bank(reservation, "fail")
    assert story.api.until_final(reservation)["status"] == "failed"
    story.check(reservation)
