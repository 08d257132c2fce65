"""Everybody who may come to the API: who they are, what is theirs, and a body that each operation takes."""

import hashlib
import hmac
import json
import time
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from crm.models import Role
from identity import keys
from identity.models import User
from tests.integration.booking.traveller import PASSWORD, Traveller
from tests.integration.crm.desk import signed_in, staff_of
from tests.integration.crm.story import AIRLINE, HOTEL, Story, leg, tell_all

OBJECTS = ("ada's", "eve's", "nobody's")
_TRAVELLERS = {"ada's": {"traveller"}, "eve's": {"other traveller"}, "nobody's": set[str]()}
_PROVIDERS = {
    "ada's": {"agent", "read-only agent"},
    "eve's": {"other agent"},
    "nobody's": set[str](),
}
OWNERS = {
    "{reservation_id}": _TRAVELLERS,
    "{token_id}": _TRAVELLERS,
    "{account_id}": _PROVIDERS,  # as a customer
}
"""Part of an address -> whose object -> the roles that it belongs to."""
NEW = {"email": "new@example.com", "password": PASSWORD, "full_name": "Noor New"}
TRAVELLERS = [{"given_name": "Grace", "family_name": "Trip"}]
NOTE = {"text": "Prefers the aisle."}
MESSAGE = {"purpose": "transactional", "subject": "Your trip", "body": "Bon voyage."}
CHOICE = {"channel": "email", "purpose": "marketing", "granted": True}
SEARCH = {"kind": "flight", "origin": "LHR", "destination": "JFK"}


class Cast:
    """Two travellers, who are customers of one provider each; staff; an operator; nobody in particular."""

    def __init__(self, sandbox: Any) -> None:
        """Let them sign up, compose a trip each, and be known to their provider."""
        self.ada, self.eve = Traveller("ada@example.com"), Traveller("eve@example.com")
        self.offer = self.ada.offer()
        self.trips = [one.composed(self.offer, card="pm_card_visa") for one in (self.ada, self.eve)]
        self._introduce()
        operator = User.objects.create_superuser("operator@example.com", PASSWORD)
        self.roles: dict[str, APIClient] = {
            "anonymous": APIClient(),
            "traveller": self.ada,
            "other traveller": self.eve,
            "agent": signed_in(staff_of(AIRLINE)),
            "read-only agent": signed_in(
                staff_of(AIRLINE, role=Role.READ_ONLY, email="reader@example.com")
            ),
            "other agent": signed_in(staff_of(HOTEL, email="hotel@example.com")),
            "staff of no provider": signed_in(staff_of(email="lost@example.com")),
            "operator": signed_in(operator),
        }

    def _introduce(self) -> None:
        told = Story().providers()
        for name, provider, traveller in (("Ada", AIRLINE, self.ada), ("Eve", HOTEL, self.eve)):
            told.account(traveller.account_id, f"{name} Trip").confirmed(
                reservation_id=uuid.uuid4(),
                account_id=traveller.account_id,
                legs=(leg(provider, "80.00"),),
            )
        tell_all(told.events)

    def parts(self, whose: str) -> dict[str, Any]:
        """Return the ids in the addresses of one's objects; `offer_id` and `code` are everybody's."""
        number = OBJECTS.index(whose)
        return {
            "reservation_id": [*(trip["id"] for trip in self.trips), uuid.uuid4()][number],
            "account_id": [self.ada.account_id, self.eve.account_id, uuid.uuid4()][number],
            "token_id": [*(self._token_of(one) for one in (self.ada, self.eve)), "nosuch"][number],
            "offer_id": self.offer["offer_id"],
            "code": "not_found",
        }

    def _token_of(self, traveller: Traveller) -> str:
        token: str = (
            AuthToken.objects.filter(user__email=traveller.email).earliest("created").token_key
        )
        return token

    def body(self, operation_id: str) -> Any:
        """Return a body that the operation accepts from whoever may use it."""
        user = User.objects.get(email=self.ada.email)
        bodies: dict[str, Any] = {
            "accounts_create": NEW,
            "accounts_erase": {"password": PASSWORD},
            "accounts_verify": {"key": keys.issue(keys.verification, user=user)},
            "accounts_verify_resend": {"email": user.email},
            "accounts_password_reset": {"email": user.email},
            "accounts_password_reset_confirm": {
                "key": keys.issue(keys.password_reset, user=user),
                "password": "another horse battery",
            },
            "tokens_create": {"email": user.email, "password": PASSWORD},
            "reservations_compose": self.ada.trip(self.offer),
            "reservations_change_travellers": {"travellers": TRAVELLERS},
            "reservations_enter_payment_details": {"method": "pm_card_visa"},
            "crm_notes_create": NOTE,
            "crm_messages_create": MESSAGE,
            "crm_preferences_put": {"preferences": [CHOICE]},
            "webhooks_cards": EVENT,
        }
        return bodies.get(operation_id)


EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {}}},
}


def signature(body: bytes) -> str:
    """Sign a message as the card processor does."""
    at = int(time.time())
    secret = settings.STRIPE_WEBHOOK_SECRET.encode()
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def headers_for(operation_id: str, body: Any) -> dict[str, str]:
    """Return the headers without which the operation refuses everybody."""
    if operation_id == "webhooks_cards":
        return {"Stripe-Signature": signature(json.dumps(body).encode())}
    if operation_id in {"reservations_confirm", "reservations_cancel"}:
        return {"Idempotency-Key": str(uuid.uuid4())}
    return {}


def queries_for(operation_id: str) -> dict[str, str]:
    """Return the query without which the operation refuses everybody."""
    when = (timezone.now() + timedelta(days=30)).date().isoformat()
    return {**SEARCH, "date": when} if operation_id == "offers_search" else {}
