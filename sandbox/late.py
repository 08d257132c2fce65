"""What lands long after it was asked for: bookings, and money that is taken although the payment was cancelled."""

import json
import sqlite3
import time

from sandbox import cards, intents, ledger, orders
from sandbox.partners import PARTNERS

NEXT = "SELECT min(due) AS due FROM (SELECT due FROM late_orders UNION ALL SELECT due FROM late_captures)"


def next_due(book: ledger.Ledger) -> float | None:
    """Say when the next late effect lands (seconds since the epoch)."""
    with book.read() as db:
        row = ledger.one(db, NEXT)
    return row["due"] if row else None


def land(book: ledger.Ledger, *, until: float | None = None) -> int:
    """Let take effect what is due until an instant (seconds since the epoch; now); return how much it was."""
    until = time.time() if until is None else until
    with book.write() as db:
        booked = ledger.rows(db, "SELECT * FROM late_orders WHERE due <= ?", until)
        taken = ledger.rows(db, "SELECT * FROM late_captures WHERE due <= ?", until)
        for row in booked:
            _book(db, row)
        for row in taken:
            _take(db, row)
    return len(booked) + len(taken)


def _book(db: sqlite3.Connection, row: ledger.Row) -> None:
    partner, request = PARTNERS[row["partner"]], orders.parse(json.loads(row["request"]))
    answer = orders.book(db, partner, row["key"], request)
    db.execute("DELETE FROM late_orders WHERE id = ?", (row["id"],))
    path = f"/partners/{partner.slug}/orders"
    _remember(db, path, f"late: {answer.effect}", key=row["key"], reference=request.reference)


def _take(db: sqlite3.Connection, row: ledger.Row) -> None:
    intent = intents.get(db, row["payment_intent"])
    answer = cards.take(db, intent, row["amount"])
    db.execute("DELETE FROM late_captures WHERE id = ?", (row["id"],))
    path = f"/v1/payment_intents/{intent['id']}/capture"
    whose = intent["metadata"].get("reservation_id")
    _remember(db, path, f"late: {answer.effect}", key=None, reference=whose)


def _remember(
    db: sqlite3.Connection, path: str, effect: str, *, key: str | None, reference: str | None
) -> None:
    call = {"at": ledger.now(), "method": "-", "path": path, "key": key}
    ledger.insert(db, "calls", call | {"reference": reference, "effect": effect})
