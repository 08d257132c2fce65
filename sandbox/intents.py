"""Payment intents as Stripe describes them, and their rows in the ledger."""

import json
import secrets
import sqlite3
import time
from typing import Any

from sandbox import ledger
from sandbox.exchange import Rejected
from sandbox.stripe_errors import invalid

Intent = dict[str, Any]


def new_id(prefix: str) -> str:
    """Make an id in Stripe's manner."""
    return f"{prefix}_{secrets.token_hex(12)}"


def create(
    db: sqlite3.Connection, *, amount: int, currency: str, method: str | None, about: Intent
) -> Intent:
    """Write a new payment intent. `amount` is in minor units; `about`: metadata and description."""
    intent_id = new_id("pi")
    intent: Intent = {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "manual",
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(8)}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": currency,
        "customer": None,
        "description": about.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": about.get("metadata") or {},
        "next_action": None,
        "payment_method": method,
        "payment_method_types": ["card"],
        "status": "requires_confirmation" if method else "requires_payment_method",
    }
    row = _columns(intent) | {"body": ledger.dumps(intent)}
    ledger.insert(db, "payment_intents", row)
    return intent


def get(db: sqlite3.Connection, intent_id: str) -> Intent:
    """Read one payment intent.

    Raises:
        Rejected: there is none of this id (404).
    """
    row = ledger.one(db, "SELECT body FROM payment_intents WHERE id = ?", intent_id)
    if row is None:
        message = f"No such payment_intent: '{intent_id}'"
        raise Rejected(invalid(message, code="resource_missing", param="intent", status=404))
    intent: Intent = json.loads(row["body"])
    return intent


def save(db: sqlite3.Connection, intent: Intent) -> None:
    """Write a payment intent back."""
    columns = _columns(intent)
    values = (columns["status"], columns["amount"], columns["reservation_id"])
    sql = "UPDATE payment_intents SET status = ?, amount = ?, reservation_id = ?, body = ? WHERE id = ?"
    db.execute(sql, (*values, ledger.dumps(intent), intent["id"]))


def page(
    db: sqlite3.Connection, *, limit: int, after: str | None, created: range
) -> tuple[list[Intent], bool]:
    """Read payment intents created within a range of seconds, the newest first, and whether there are more."""
    sql = """SELECT body FROM payment_intents WHERE number < ?
        AND json_extract(body, '$.created') BETWEEN ? AND ? ORDER BY number DESC LIMIT ?"""
    before = _number(db, after) if after else 2**62
    bounds = (before, created.start, created.stop - 1, limit + 1)
    found = [json.loads(row["body"]) for row in ledger.rows(db, sql, *bounds)]
    return found[:limit], len(found) > limit


def _number(db: sqlite3.Connection, intent_id: str) -> int:
    get(db, intent_id)
    row = ledger.one(db, "SELECT number FROM payment_intents WHERE id = ?", intent_id)
    return int(row["number"]) if row else 0


def _columns(intent: Intent) -> ledger.Row:
    return {
        "id": intent["id"],
        "status": intent["status"],
        "amount": intent["amount"],
        "currency": intent["currency"],
        "reservation_id": intent["metadata"].get("reservation_id"),
    }
