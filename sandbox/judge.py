"""The judge: shows the whole ledger, so that tests and people need not believe what the callers say."""

import json
import sqlite3

from sandbox import ledger, webhooks

CAPTURES_OF = "FROM captures WHERE payment_intent IN (SELECT value FROM json_each(?)) ORDER BY at"
REFUNDS_OF = "FROM refunds WHERE payment_intent IN (SELECT value FROM json_each(?)) ORDER BY number"
HIDDEN = {"request"}
# A tombstone has no reference, only the key that it blocks.
OF_RESERVATION = """(?1 IS NULL OR substr(reference, 1, length(?1)) = ?1
    OR substr(key, 1, length(?1)) = ?1)"""


def show(book: ledger.Ledger, reference: str | None) -> ledger.Row:
    """Show everything, or what concerns the reservation with which a reference starts."""
    with book.read() as db:
        paid = _intents(db, reference)
        ids = json.dumps([intent["id"] for intent in paid])
        return {
            "orders": _orders(db, reference),
            "payment_intents": paid,
            "captures": ledger.rows(db, f"SELECT * {CAPTURES_OF}", ids),
            "refunds": _bodies(ledger.rows(db, f"SELECT body {REFUNDS_OF}", ids)),
            "events": webhooks.deliveries(db, json.loads(ids)),
            "calls": _calls(db, reference),
        }


def totals(book: ledger.Ledger) -> ledger.Row:
    """Count what the ledger holds. Amounts of money are minor units by currency."""
    with book.read() as db:
        booked = ledger.one(db, "SELECT coalesce(sum(booked_count), 0) AS n FROM orders") or {}
        return {
            "orders": _count(db, "SELECT status, count(*) FROM orders GROUP BY 1"),
            "booked_count": booked["n"],
            "payment_intents": _count(
                db, "SELECT status, count(*) FROM payment_intents GROUP BY 1"
            ),
            "captured": _count(db, "SELECT currency, sum(amount) FROM captures GROUP BY 1"),
            "refunded": _count(db, "SELECT currency, sum(amount) FROM refunds GROUP BY 1"),
            "captures": _number(db, "SELECT count(*) FROM captures"),
            "refunds": _number(db, "SELECT count(*) FROM refunds"),
            "offers": _number(db, "SELECT count(*) FROM offers"),
            "calls": _number(db, "SELECT count(*) FROM calls"),
            "most_captures_of_one_intent": _number(
                db,
                "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM captures GROUP BY payment_intent)",
            ),
        }


def _orders(db: sqlite3.Connection, reference: str | None) -> list[ledger.Row]:
    sql = f"SELECT * FROM orders WHERE {OF_RESERVATION} ORDER BY rowid"  # noqa: S608
    found = ledger.rows(db, sql, reference)
    return [{name: row[name] for name in row if name not in HIDDEN} for row in found]


def _intents(db: sqlite3.Connection, reference: str | None) -> list[ledger.Row]:
    sql = "SELECT body FROM payment_intents WHERE ?1 IS NULL OR reservation_id = ?1 ORDER BY number"
    return _bodies(ledger.rows(db, sql, reference))


def _calls(db: sqlite3.Connection, reference: str | None) -> list[ledger.Row]:
    columns = "at, method, path, key, reference, status, effect"
    sql = f"SELECT {columns} FROM calls WHERE {OF_RESERVATION} ORDER BY number"  # noqa: S608
    return ledger.rows(db, sql, reference)


def _bodies(found: list[ledger.Row]) -> list[ledger.Row]:
    return [json.loads(row["body"]) for row in found]


def _count(db: sqlite3.Connection, sql: str) -> dict[str, int]:
    return dict(db.execute(sql).fetchall())


def _number(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])
