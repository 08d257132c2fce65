"""Webhooks: events of the card processor, signed and delivered until they are taken, at least once and in no order."""

import hashlib
import hmac
import json
import sqlite3
import time

import httpx

from sandbox import intents, ledger, magic
from sandbox.settings import Settings

API_VERSION = "2026-10-28.endive"
TRIES = 6
TIMEOUT = 5.0
AUTHORISED = "payment_intent.amount_capturable_updated"


def announce(
    db: sqlite3.Connection, kind: str, subject: intents.Intent, intent: intents.Intent
) -> None:
    """Write down an event, in the transaction of what it tells. `subject` is the object as it is now."""
    found = magic.at(intent["payment_method"] or "", "event")
    does = found.does if found else None
    event = {
        "id": intents.new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    late = does is magic.Does.LATE or (does is magic.Does.REORDER and kind == AUTHORISED)
    row = {"id": event["id"], "type": kind, "payment_intent": intent["id"], "late": int(late)}
    row["due"] = None if does is magic.Does.OMIT else time.time()
    row["deliveries_left"] = 2 if does is magic.Does.DUPLICATE else 1
    ledger.insert(db, "events", row | {"body": ledger.dumps(event)})


def signature(body: bytes, secret: str, at: int) -> str:
    """Sign a body as Stripe does: HMAC-SHA256 of the instant (seconds), a dot and the body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Postman:
    """Delivers what is due, one event after the other."""

    def __init__(self, book: ledger.Ledger, settings: Settings) -> None:
        """Read events from the ledger; deliver nothing if there is no address."""
        self._ledger = book
        self._settings = settings
        self._client = httpx.Client(timeout=TIMEOUT, trust_env=False)

    def next_due(self) -> float | None:
        """Say when the next delivery is due (seconds since the epoch)."""
        if not self._settings.webhook_url:
            return None
        sql = "SELECT min(due + late * ?) AS due FROM events WHERE due IS NOT NULL"
        with self._ledger.read() as db:
            row = ledger.one(db, sql, self._settings.durations.late)
        return row["due"] if row else None

    def run_due(self) -> None:
        """Deliver the events that are due, and write down how it went."""
        sql = "SELECT * FROM events WHERE due + late * ? <= ? ORDER BY due, number"
        with self._ledger.read() as db:
            due = ledger.rows(db, sql, self._settings.durations.late, time.time())
        for row in due:
            outcome = self._post(row["body"].encode())
            with self._ledger.write() as db:
                _settle(db, row, outcome)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, body: bytes) -> str:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, self._settings.webhook_secret, int(time.time())),
        }
        try:
            answer = self._client.post(self._settings.webhook_url, content=body, headers=headers)
        except httpx.HTTPError as trouble:
            return type(trouble).__name__
        return str(answer.status_code)


def deliveries(db: sqlite3.Connection, intent_ids: list[str]) -> list[ledger.Row]:
    """List the events of some intents, each with the outcomes of its deliveries."""
    sql = "SELECT id, type, payment_intent, due FROM events WHERE payment_intent IN (SELECT value FROM json_each(?)) ORDER BY number"
    events = ledger.rows(db, sql, json.dumps(intent_ids))
    for event in events:
        sql = "SELECT at, outcome FROM deliveries WHERE event = ? ORDER BY number"
        event["pending"] = event.pop("due") is not None
        event["deliveries"] = ledger.rows(db, sql, event["id"])
    return events


def _settle(db: sqlite3.Connection, row: ledger.Row, outcome: str) -> None:
    """Count a delivery that was taken; try again later, with longer and longer pauses, what was not."""
    taken = outcome.startswith("2")
    left, tries = row["deliveries_left"] - taken, row["tries"] + (not taken)
    pause = 0 if taken else 0.5 * 2**tries
    due = time.time() + pause if left and tries < TRIES else None
    sql = "UPDATE events SET late = 0, deliveries_left = ?, tries = ?, due = ? WHERE id = ?"
    db.execute(sql, (left, tries, due, row["id"]))
    entry = {"event": row["id"], "at": ledger.now(), "outcome": outcome}
    ledger.insert(db, "deliveries", entry)
