"""The card processor: authorise, capture, cancel, refund. All amounts are in minor units."""

import json
import sqlite3
import time

from sandbox import faults, intents, ledger, magic, webhooks
from sandbox.exchange import Answer, Rejected
from sandbox.intents import Intent
from sandbox.stripe_errors import declined, error, invalid, unexpected_state

CANCELLABLE = {
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
}
UPDATABLE = CANCELLABLE - {"requires_capture"}


def create(
    db: sqlite3.Connection, *, amount: int, currency: str, method: str | None, about: Intent
) -> Answer:
    """Open a payment that nobody has confirmed yet."""
    _known_method(method)
    intent = intents.create(db, amount=amount, currency=currency, method=method, about=about)
    return Answer(200, intent, "created")


def update(db: sqlite3.Connection, intent_id: str, *, method: str | None, about: Intent) -> Answer:
    """Change the card, the description or the metadata before the payment is authorised."""
    intent = intents.get(db, intent_id)
    _known_method(method)
    if method and intent["status"] not in UPDATABLE:
        return unexpected_state(intent, "change its payment method")
    if method:
        intent |= {"payment_method": method, "status": "requires_confirmation", "next_action": None}
    metadata = intent["metadata"] | (about.pop("metadata", None) or {})
    intent |= about | {"metadata": {name: text for name, text in metadata.items() if text != ""}}
    intents.save(db, intent)
    return Answer(200, intent, "updated")


def confirm(
    db: sqlite3.Connection, intent_id: str, *, method: str | None, challenge: Intent
) -> Answer:
    """Authorise the amount. `challenge` is the next action, should the issuer ask for 3-D Secure."""
    intent = intents.get(db, intent_id)
    _known_method(method)
    if intent["status"] not in {"requires_payment_method", "requires_confirmation"}:
        return unexpected_state(intent, "confirm")
    method = method or intent["payment_method"]
    if method is None:
        return unexpected_state(intent, "confirm without a payment method")
    intent["payment_method"] = method
    found = faults.due(db, method, "confirm", intent_id)
    match found.does if found else None:
        case magic.Does.ERROR:
            return error(500, "api_error", "An error occurred while confirming.")
        case magic.Does.REFUSE:
            return _decline(db, intent, found.code if found else "")
        case magic.Does.CHALLENGE:
            return _challenge(db, intent, challenge)
    return faults.afterwards(_without_delay(found), _authorise(db, intent))


def settle_challenge(db: sqlite3.Connection, intent_id: str, *, succeeds: bool) -> Answer:
    """Do what the customer's bank does after 3-D Secure."""
    intent = intents.get(db, intent_id)
    if intent["status"] != "requires_action":
        return unexpected_state(intent, "settle a 3-D Secure challenge")
    intent["next_action"] = None
    if succeeds:
        return _authorise(db, intent)
    code = "payment_intent_authentication_failure"
    answer = error(402, "card_error", "The customer did not pass 3-D Secure.", code=code)
    _fail(db, intent, answer.body["error"])
    return Answer(200, intent, "3-D Secure failed")


def capture(db: sqlite3.Connection, intent_id: str, *, amount: int | None) -> Answer:
    """Take the authorised amount, or a part of it; the rest is released."""
    intent = intents.get(db, intent_id)
    if intent["status"] != "requires_capture":
        return unexpected_state(intent, "capture")
    amount = intent["amount_capturable"] if amount is None else amount
    if amount > intent["amount_capturable"]:
        code, param = "amount_too_large", "amount_to_capture"
        return invalid("The amount is more than was authorised.", code=code, param=param)
    found = faults.due(db, intent["payment_method"], "capture", intent_id)
    if found and found.does is magic.Does.REFUSE:
        _cancel(db, intent, "automatic")
        return declined(intent, found.code)
    return faults.afterwards(found, take(db, intent, amount))


def cancel(
    db: sqlite3.Connection, intent_id: str, *, reason: str | None, much_later: float
) -> Answer:
    """Give the payment up and release what is authorised. `much_later`: seconds until it is taken all the same."""
    intent = intents.get(db, intent_id)
    if intent["status"] not in CANCELLABLE:
        return unexpected_state(intent, "cancel")
    held = intent["amount_capturable"]
    if held and magic.at(intent["payment_method"] or "", "cancel"):
        row = {"due": time.time() + much_later, "payment_intent": intent_id, "amount": held}
        ledger.insert(db, "late_captures", row)
    _cancel(db, intent, reason)
    return Answer(200, intent, "cancelled")


def take(db: sqlite3.Connection, intent: Intent, amount: int) -> Answer:
    """Take the money, whatever became of the payment; in the caller's transaction."""
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
    intent |= {"canceled_at": None, "cancellation_reason": None}
    intents.save(db, intent)
    row = {
        "id": intents.new_id("cap"),
        "payment_intent": intent["id"],
        "amount": amount,
        "currency": intent["currency"],
        "at": ledger.now(),
    }
    ledger.insert(db, "captures", row)
    webhooks.announce(db, "payment_intent.succeeded", intent, intent)
    return Answer(200, intent, "captured")


def affected(
    db: sqlite3.Connection,
    intent_id: str,
    method: str | None,
    *,
    does: magic.Does,
    moment: magic.Moment,
) -> bool:
    """Tell whether the card, given or already on the intent, makes this call slow or lost before it arrives."""
    sql = "SELECT body FROM payment_intents WHERE id = ?"
    row = ledger.one(db, sql, intent_id)
    name = method or (json.loads(row["body"])["payment_method"] if row else None)
    found = magic.at(name or "", moment)
    if found is None or found.does is not does:
        return False
    return not found.first_only or ledger.count_up(db, f"{moment}:{does.value}:{intent_id}") == 1


def _known_method(method: str | None) -> None:
    found = magic.TABLE.get(method or "")
    if method is not None and (found is None or found.where != "card"):
        message = f"No such PaymentMethod: '{method}'"
        raise Rejected(invalid(message, code="resource_missing", param="payment_method"))


def _without_delay(found: magic.Magic | None) -> magic.Magic | None:
    return None if found and found.does is magic.Does.SLOW else found


def _authorise(db: sqlite3.Connection, intent: Intent) -> Answer:
    intent |= {
        "status": "requires_capture",
        "amount_capturable": intent["amount"],
        "latest_charge": intents.new_id("ch"),
        "last_payment_error": None,
    }
    intents.save(db, intent)
    webhooks.announce(db, "payment_intent.amount_capturable_updated", intent, intent)
    return Answer(200, intent, "authorised")


def _challenge(db: sqlite3.Connection, intent: Intent, challenge: Intent) -> Answer:
    intent |= {"status": "requires_action", "next_action": challenge}
    intents.save(db, intent)
    webhooks.announce(db, "payment_intent.requires_action", intent, intent)
    return Answer(200, intent, "3-D Secure asked")


def _decline(db: sqlite3.Connection, intent: Intent, decline_code: str) -> Answer:
    reason = dict(declined(intent, decline_code).body["error"])
    del reason["payment_intent"]
    _fail(db, intent, reason)
    return declined(intent, decline_code)


def _fail(db: sqlite3.Connection, intent: Intent, reason: Intent) -> None:
    intent |= {"status": "requires_payment_method", "payment_method": None}
    intent["last_payment_error"] = reason
    intents.save(db, intent)
    webhooks.announce(db, "payment_intent.payment_failed", intent, intent)


def _cancel(db: sqlite3.Connection, intent: Intent, reason: str | None) -> None:
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": int(time.time()),
        "cancellation_reason": reason,
        "next_action": None,
    }
    intents.save(db, intent)
    webhooks.announce(db, "payment_intent.canceled", intent, intent)
