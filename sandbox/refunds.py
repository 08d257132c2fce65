"""Refunds: money back on a captured payment, never more than was captured."""

import json
import sqlite3
import time

from sandbox import intents, ledger, webhooks
from sandbox.exchange import Answer, Rejected
from sandbox.stripe_errors import invalid, unexpected_state

TOTAL = "SELECT coalesce(sum(amount), 0) AS total FROM refunds WHERE payment_intent = ?"


def create(
    db: sqlite3.Connection, *, intent_id: str, amount: int | None, about: intents.Intent
) -> Answer:
    """Give an amount back (minor units), or all that is left."""
    intent = intents.get(db, intent_id)
    if intent["status"] != "succeeded":
        return unexpected_state(intent, "refund")
    refunded = (ledger.one(db, TOTAL, intent_id) or {})["total"]
    left = intent["amount_received"] - refunded
    if left == 0:
        return invalid("The charge has already been refunded.", code="charge_already_refunded")
    amount = left if amount is None else amount
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        return invalid(message, param="amount")
    refund = _write(db, intent, amount, about)
    charge = _charge(intent, refunded + amount)
    webhooks.announce(db, "charge.refunded", charge, intent)
    return Answer(200, refund, "refunded")


def get(db: sqlite3.Connection, refund_id: str) -> intents.Intent:
    """Read one refund.

    Raises:
        Rejected: there is none of this id (404).
    """
    row = ledger.one(db, "SELECT body FROM refunds WHERE id = ?", refund_id)
    if row is None:
        message = f"No such refund: '{refund_id}'"
        raise Rejected(invalid(message, code="resource_missing", param="id", status=404))
    refund: intents.Intent = json.loads(row["body"])
    return refund


def with_charge(db: sqlite3.Connection, intent: intents.Intent) -> intents.Intent:
    """Return a payment with its charge in place of the charge's id, as `expand` asks for it."""
    if intent["latest_charge"] is None:
        return intent
    refunded = (ledger.one(db, TOTAL, intent["id"]) or {})["total"]
    return intent | {"latest_charge": _charge(intent, refunded)}


def of(db: sqlite3.Connection, intent_id: str | None) -> list[intents.Intent]:
    """Read the refunds of an intent, or all, the newest first."""
    sql = "SELECT body FROM refunds WHERE ? IS NULL OR payment_intent = ? ORDER BY number DESC"
    return [json.loads(row["body"]) for row in ledger.rows(db, sql, intent_id, intent_id)]


def _write(
    db: sqlite3.Connection, intent: intents.Intent, amount: int, about: intents.Intent
) -> intents.Intent:
    refund: intents.Intent = {
        "id": intents.new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": intent["latest_charge"],
        "created": int(time.time()),
        "currency": intent["currency"],
        "metadata": about.get("metadata") or {},
        "payment_intent": intent["id"],
        "reason": about.get("reason"),
        "status": "succeeded",
    }
    row = {name: refund[name] for name in ("id", "payment_intent", "amount", "currency")}
    ledger.insert(db, "refunds", row | {"body": ledger.dumps(refund)})
    return refund


def _charge(intent: intents.Intent, refunded: int) -> intents.Intent:
    return {
        "id": intent["latest_charge"],
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount_received"],
        "amount_refunded": refunded,
        "captured": intent["status"] == "succeeded",
        "currency": intent["currency"],
        "livemode": False,
        "metadata": intent["metadata"],
        "payment_intent": intent["id"],
        "refunded": 0 < refunded == intent["amount_received"],
        "status": "succeeded",
    }
