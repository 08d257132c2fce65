"""What the sandbox's own ledger says about a reservation, read from its file: no word of ours in between."""

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

PLACES: Final = {"jpy": 0}
path = Path()
"""Where this worker's sandbox keeps its ledger."""


@dataclass(frozen=True)
class Booking:
    """One order that was booked; times in ISO 8601, `cancelled_at` None while it stands."""

    id: str
    item: str
    booked_at: str
    cancelled_at: str | None

    @property
    def stands(self) -> bool:
        """Whether it is not cancelled."""
        return self.cancelled_at is None

    def stood_at(self, at: str) -> bool:
        """Tell whether it was booked, and not cancelled, at an instant."""
        return self.booked_at <= at and (self.cancelled_at is None or self.cancelled_at > at)


@dataclass(frozen=True)
class Ledger:
    """What happened outside; amounts in minor units as the processor has them."""

    orders: list[Booking]
    intents: list[dict[str, Any]]
    captures: list[dict[str, Any]]
    refunds: list[dict[str, Any]]

    def by_item(self) -> dict[str, list[Booking]]:
        """Return the bookings of each leg, in the order in which they were made."""
        found: dict[str, list[Booking]] = defaultdict(list)
        for order in sorted(self.orders, key=lambda order: order.booked_at):
            found[order.item].append(order)
        return found

    def kept(self, intent_id: str = "") -> Decimal:
        """Return what was captured and not given back, in major units; of one payment, or of all."""
        return sum((_major(row) for row in self.captures if _of(row, intent_id)), Decimal(0)) - sum(
            (_major(row) for row in self.refunds if _of(row, intent_id)), Decimal(0)
        )

    def state(self, intent_id: str) -> str:
        """Return the state of a payment at the processor."""
        return next(str(one["status"]) for one in self.intents if one["id"] == intent_id)


def read(reservation_id: UUID) -> Ledger:
    """Return everything that was done outside for a reservation."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        orders = _rows(
            db,
            "SELECT id, reference, booked_at, cancelled_at FROM orders"
            " WHERE booked_at IS NOT NULL AND reference >= ? AND reference < ?",
            str(reservation_id),
            f"{reservation_id}~",
        )
        intents = [
            json.loads(row["body"])
            for row in _rows(
                db,
                "SELECT body FROM payment_intents WHERE reservation_id = ?",
                str(reservation_id),
            )
        ]
        ids = json.dumps([intent["id"] for intent in intents])
        among = "WHERE payment_intent IN (SELECT value FROM json_each(?))"
        return Ledger(
            orders=[_booking(row) for row in orders],
            intents=intents,
            captures=_rows(db, f"SELECT * FROM captures {among}", ids),
            refunds=_rows(db, f"SELECT * FROM refunds {among}", ids),
        )


def _rows(db: sqlite3.Connection, sql: str, *values: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(sql, values)]


def _booking(row: dict[str, Any]) -> Booking:
    item = row["reference"][37:]
    return Booking(row["id"], item, row["booked_at"], row["cancelled_at"])


def _of(row: dict[str, Any], intent_id: str) -> bool:
    return not intent_id or row["payment_intent"] == intent_id


def _major(row: dict[str, Any]) -> Decimal:
    return Decimal(row["amount"]).scaleb(-PLACES.get(row["currency"], 2))
