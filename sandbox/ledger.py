"""The durable ledger: what the sandbox did, whatever its callers believe."""

import contextlib
import datetime
import json
import pathlib
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS offers (
    id TEXT PRIMARY KEY, partner TEXT NOT NULL, product TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL,
    expires_at TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, partner TEXT NOT NULL, key TEXT, reference TEXT, offer_id TEXT, product TEXT,
    status TEXT NOT NULL CHECK (status IN ('confirmed', 'cancelled')), amount TEXT, currency TEXT,
    confirmation_code TEXT, request TEXT, booked_count INTEGER NOT NULL, booked_at TEXT, cancelled_at TEXT,
    UNIQUE (partner, key));
CREATE INDEX IF NOT EXISTS orders_reference ON orders (reference);
CREATE TABLE IF NOT EXISTS late_orders (
    id INTEGER PRIMARY KEY, due REAL NOT NULL, partner TEXT NOT NULL, key TEXT, request TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS late_captures (
    id INTEGER PRIMARY KEY, due REAL NOT NULL, payment_intent TEXT NOT NULL, amount INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS payment_intents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, reservation_id TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS payment_intents_reservation ON payment_intents (reservation_id);
CREATE TABLE IF NOT EXISTS captures (
    id TEXT PRIMARY KEY, payment_intent TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment_intent TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_payment_intent ON refunds (payment_intent);
CREATE TABLE IF NOT EXISTS idempotency_keys (
    api_key TEXT NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, params TEXT NOT NULL, status INTEGER, body TEXT,
    PRIMARY KEY (api_key, key));
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, payment_intent TEXT NOT NULL,
    body TEXT NOT NULL, due REAL, late INTEGER NOT NULL, deliveries_left INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS events_due ON events (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY, event TEXT NOT NULL, at TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, key TEXT, reference TEXT,
    status INTEGER, effect TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS calls_reference ON calls (reference);
CREATE TABLE IF NOT EXISTS counters (scope TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outages (partner TEXT PRIMARY KEY, mode TEXT NOT NULL);
"""

Row = dict[str, Any]


class Ledger:
    """One SQLite file. Writers take turns; readers have a connection each."""

    def __init__(self, path: pathlib.Path | str) -> None:
        """Open the file, or create it. A key that a killed process held is free again: its call had no effect."""
        self._path = str(path)
        self._lock = threading.Lock()
        self._writer = self._connect()
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.executescript(SCHEMA)
        self._writer.execute("DELETE FROM idempotency_keys WHERE status IS NULL")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=30, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that is committed at the end, or rolled back by an exception."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Open a connection that sees one consistent state."""
        with contextlib.closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    def close(self) -> None:
        """Close the file after the writer of the moment has finished."""
        with self._lock:
            self._writer.close()


def now() -> str:
    """Write the present instant in ISO 8601, UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat()


def insert(db: sqlite3.Connection, table: str, row: Row) -> None:
    """Add a row. Table and columns are names from this code, never from a caller."""
    columns, marks = ", ".join(row), ", ".join("?" for _ in row)
    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))  # noqa: S608


def one(db: sqlite3.Connection, sql: str, *values: object) -> Row | None:
    """Read one row, or none."""
    row = db.execute(sql, values).fetchone()
    return dict(row) if row else None


def rows(db: sqlite3.Connection, sql: str, *values: object) -> list[Row]:
    """Read all rows."""
    return [dict(row) for row in db.execute(sql, values)]


def count_up(db: sqlite3.Connection, scope: str) -> int:
    """Count a call and return its number, starting with 1."""
    sql = "INSERT INTO counters VALUES (?, 1) ON CONFLICT (scope) DO UPDATE SET count = count + 1 RETURNING count"
    number: int = db.execute(sql, (scope,)).fetchone()[0]
    return number


def dumps(value: object) -> str:
    """Write JSON in one canonical form, so that equal values are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
