"""The card processor's messages."""

import hashlib
import hmac
import json
import random
import time

import pytest
from django.test import Client

from payments import services as payments
from payments.gateways.registry import gateway
from payments.models import WebhookDelivery

pytestmark = pytest.mark.django_db
URL = "/api/v1/webhooks/cards"


def message(**changes):
    event = {
        "id": "evt_1",
        "object": "event",
        "api_version": None,
        "created": 1,
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {}}},
    }
    return json.dumps(event | changes).encode()


def signed(body, secret, *, at=None):
    at = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def deliver(body, signature):
    return Client().post(
        URL, body, content_type="application/json", headers={"Stripe-Signature": signature}
    )


def test_a_signed_message_is_stored_once_however_often_it_comes(settings):
    body = message()

    answers = [deliver(body, signed(body, settings.STRIPE_WEBHOOK_SECRET)) for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {}), (200, {})]
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize("forgery", ["none", "nonsense", "other_secret", "other_body", "old"])
def test_a_forged_message_is_refused_and_not_stored(settings, forgery):
    body, secret = message(), settings.STRIPE_WEBHOOK_SECRET
    signature = {
        "none": "",
        "nonsense": "t=1,v1=\u00e9\u00e9",
        "other_secret": signed(body, "whsec_other"),
        "other_body": signed(body + b" ", secret),
        "old": signed(body, secret, at=time.time() - 301),
    }[forgery]

    answer = deliver(body, signature)

    assert (answer.status_code, answer.json()["code"]) == (400, "webhook_forged")
    assert not WebhookDelivery.objects.exists()


def test_no_message_of_a_thousand_that_were_tampered_with_is_taken(settings):
    body, dice = message(), random.Random(5)
    signature = signed(body, settings.STRIPE_WEBHOOK_SECRET)
    tampered = [tamper(body, signature, dice) for _ in range(1000)]

    taken = [sent for sent in tampered if is_taken(*sent)]

    assert is_taken(body, signature)
    assert taken == []


def tamper(body, signature, dice):
    """Change, add or remove one byte of the body or one character of the time or the digest."""
    if dice.random() < 0.5:
        at, other = dice.randrange(len(body)), bytes([dice.randrange(256)])
        cut = dice.choice([0, 1])
        changed = body[:at] + other + body[at + cut :]
        return changed if changed != body else body[:-1], signature
    at = dice.choice([*range(2, 12), *range(16, len(signature))])
    other = dice.choice([one for one in "0123456789abcdef" if one != signature[at]])
    return body, signature[:at] + other + signature[at + 1 :]


def is_taken(body, signature):
    try:
        gateway().read_webhook(body=body, signature=signature)
    except payments.WebhookForged:
        return False
    return True


def test_a_huge_message_is_refused(settings):
    body = message(padding="x" * 300_000)

    answer = deliver(body, signed(body, settings.STRIPE_WEBHOOK_SECRET))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_the_processor_is_never_told_to_come_later(settings):
    settings.API_RATE_FACTOR = 0  # nobody else may ask anything
    body = message()

    answer = deliver(body, signed(body, settings.STRIPE_WEBHOOK_SECRET))

    assert answer.status_code == 200
    assert Client().get("/api/v1/problems").status_code == 429
