"""The card processor's messages: signed, stored once, never believed."""

import json
import random
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import purses
import pytest
import stripe
from django.conf import settings
from django.utils import timezone

from payments import services as payments
from payments.models import Payment, WebhookDelivery
from sandbox.server import Server

pytestmark = pytest.mark.django_db


def a_message(intent_id: str, *, kind: str = "payment_intent", **more: Any) -> bytes:
    about = {"object": kind, "id": intent_id, "status": "succeeded", **more}
    event = {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "data": {"object": about},
    }
    return json.dumps(event).encode()


def signed(body: bytes, *, age: int = 0, secret: str | None = None) -> str:
    return stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret or settings.STRIPE_WEBHOOK_SECRET, int(time.time()) - age
    )


def intent_of(reservation_id: object) -> str:
    return Payment.objects.get(reservation_id=reservation_id).gateway_payment_id


def test_a_message_is_a_hint_once_and_its_payload_is_not_believed(cards: Server) -> None:
    reservation_id = purses.details_of()
    body = a_message(intent_of(reservation_id))

    first = payments.receive_webhook(body=body, signature=signed(body))
    second = payments.receive_webhook(body=body, signature=signed(body))

    assert (first, second) == (reservation_id, None)
    assert purses.status_of(reservation_id) == "ready"
    assert WebhookDelivery.objects.get().processed_at is not None


@pytest.mark.parametrize("hours", [-1, 1])
def test_it_is_received_by_the_databases_clock(
    cards: Server, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    body, now = a_message(intent_of(purses.details_of())), timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=hours))

    payments.receive_webhook(body=body, signature=signed(body))

    delivery = WebhookDelivery.objects.get()
    assert timedelta(0) <= delivery.received_at - now < timedelta(minutes=1)
    assert delivery.processed_at == delivery.received_at


def test_a_message_about_a_charge_names_its_payment(cards: Server) -> None:
    reservation_id = purses.details_of()
    body = a_message("ch_1", kind="charge", payment_intent=intent_of(reservation_id))

    found = payments.receive_webhook(body=body, signature=signed(body))

    assert found == reservation_id


def test_a_message_about_somebody_elses_payment_is_stored_only() -> None:
    body = a_message("pi_somebody_elses")

    assert payments.receive_webhook(body=body, signature=signed(body)) is None
    assert WebhookDelivery.objects.get().processed_at is None


@pytest.mark.parametrize(
    "sign",
    [
        lambda body: "",
        lambda body: "t=now,v1=abc",
        lambda body: "t=1,v1=éé",
        lambda body: signed(body, secret="whsec_another"),
        lambda body: signed(body, age=301),
        lambda body: signed(body + b" "),
    ],
)
def test_a_message_with_a_wrong_or_old_signature_is_forged(sign) -> None:  # type: ignore[no-untyped-def]
    body = a_message("pi_1")

    with pytest.raises(payments.WebhookForged):
        payments.receive_webhook(body=body, signature=sign(body))

    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": 1}', b"\xff\xfe", b"not json"])
def test_a_body_that_is_no_event_is_forged_however_it_is_signed(body: bytes) -> None:
    signature = signed(body) if body.isascii() else "t=1,v1=1"

    with pytest.raises(payments.WebhookForged):
        payments.receive_webhook(body=body, signature=signature)


def test_while_secrets_are_changed_both_are_good(cards: Server, settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRET = "whsec_new,whsec_old"
    reservation_id = purses.details_of()

    for secret in ("whsec_new", "whsec_old"):
        body = a_message(intent_of(reservation_id))
        found = payments.receive_webhook(body=body, signature=signed(body, secret=secret))
        assert found == reservation_id


def test_of_a_thousand_altered_messages_none_is_taken() -> None:
    body = a_message("pi_1")
    signature = signed(body)
    chance = random.Random(1)

    for _ in range(1000):
        altered, forged = alter(body, signature, chance)
        with pytest.raises(payments.WebhookForged):
            payments.receive_webhook(body=altered, signature=forged)

    assert not WebhookDelivery.objects.exists()


def alter(body: bytes, signature: str, chance: random.Random) -> tuple[bytes, str]:
    """Change one byte of a message, or one character of its signature, or leave one out."""
    place = chance.randrange(len(body))
    at = signature.index("v1=") + 3 + chance.randrange(64)
    other = chance.choice([c for c in "0123456789abcdef" if c != signature[at]])
    return chance.choice(
        [
            (
                body[:place] + bytes([body[place] ^ chance.randint(1, 255)]) + body[place + 1 :],
                signature,
            ),
            (body[:place] + body[place + 1 :], signature),
            (body, signature[:at] + other + signature[at + 1 :]),
            (body, signature[:at] + signature[at + 1 :]),
            (body, signature.replace("t=", f"t={chance.randint(1, 9)}", 1)),
            (body, signed(body, age=chance.randint(301, 10**6))),
            (body, signed(body, secret=f"whsec_{chance.random()}")),
        ]
    )


def test_messages_out_of_order_are_hints_all_the_same(cards: Server) -> None:
    reservation_id = purses.details_of()
    intent = intent_of(reservation_id)
    bodies = [
        a_message(intent, status=status) for status in ("canceled", "succeeded", "processing")
    ]

    found = [payments.receive_webhook(body=body, signature=signed(body)) for body in bodies]

    assert found == [reservation_id] * 3
    assert purses.status_of(reservation_id) == "ready"
