"""Everything there is to judge by: our rows, the partners' ledger, the clients' receipts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import psycopg
from psycopg.rows import dict_row

from tests.chaos.client import Receipt

Row = Mapping[str, Any]

TABLES: Final = {
    "reservations": "SELECT id::text, account_id::text, status, amount, currency,"
    " (SELECT count(*) FROM reservation_item i WHERE i.reservation_id = r.id) AS legs"
    " FROM reservation_reservation r",
    "sagas": "SELECT id::text, name, state, reason, subject_id::text, attention_reason, finished_at,"
    " created_at FROM saga ORDER BY created_at",
    "claimed": "SELECT id, saga_id::text, step, item FROM saga_step WHERE state = 'claimed'",
    "orders": "SELECT reservation_id::text, item_id::text, status, confirmation_code FROM providers_order",
    "payments": "SELECT reservation_id::text, status, method, captured_amount, refunded_amount,"
    " superseded_at FROM payments_payment ORDER BY created_at",
    "log": "SELECT event_id::text, position, type, key, data, occurred_at FROM eventbus_outbox"
    " ORDER BY position, id",
    "calls": "SELECT ambiguous, state FROM saga_step",
    "happened": "SELECT kind, count(*) AS n FROM saga_event GROUP BY kind",
    "inbox": "SELECT event_id::text, handler, status FROM eventbus_inbox WHERE \"group\" = 'crm'",
    "crm_trips": "SELECT reservation_id::text, account_id::text, status, captured_at IS NOT NULL AS paid"
    " FROM crm_trip",
    "crm_shares": "SELECT trip_id::text, provider_id::text, amount FROM crm_tripshare",
    "crm_relationships": "SELECT provider_id::text, account_id::text, confirmed_trips,"
    " cancelled_trips, failed_trips FROM crm_relationship",
    "crm_entries": "SELECT source_event_id::text, provider_id::text FROM crm_interaction"
    " WHERE source_event_id IS NOT NULL",
    "crm_messages": "SELECT key, provider_id::text FROM crm_message WHERE key LIKE 'event:%'",
}
FLOWS: Final = frozenset({"confirm-reservation", "cancel-reservation"})
NOTHING: Final[Mapping[str, list[Any]]] = {
    name: [] for name in ("orders", "payment_intents", "captures", "refunds", "events", "calls")
}
"""The ledger of a sandbox of which nobody asked anything."""


@dataclass(frozen=True)
class Case:
    """One reservation: what we say about it, and what the partners and the card processor hold."""

    reservation: Row
    sagas: Sequence[Row]
    orders: Sequence[Row]
    payments: Sequence[Row]
    events: Sequence[str]
    theirs: Mapping[str, list[Any]]

    @property
    def id(self) -> str:
        """Return the reservation's id."""
        return str(self.reservation["id"])

    @property
    def flows(self) -> Sequence[Row]:
        """Return the sagas that a traveller started, oldest first; the reconciler's own are left out."""
        return [saga for saga in self.sagas if saga["name"] in FLOWS]

    @property
    def parked(self) -> bool:
        """Whether a person has to act."""
        return any(saga["attention_reason"] is not None for saga in self.sagas)

    def page(self) -> Row:
        """Return the parts of the API's answer that the judge reads."""
        latest = self.flows[-1] if self.flows else None
        current = next((row for row in self.payments if row["superseded_at"] is None), None)
        return {
            "status": self.reservation["status"],
            "items": range(self.reservation["legs"]),
            "payment": current,
            "progress": latest
            and {
                "finished_at": latest["finished_at"],
                "needs_a_person": latest["attention_reason"] is not None,
            },
        }


@dataclass
class Books:
    """All of it, at rest."""

    tables: Mapping[str, list[Row]]
    ledger: Mapping[str, list[Any]]
    receipts: Sequence[Receipt] = ()
    cases: list[Case] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put together what belongs to each reservation."""
        sagas = _by(self.tables["sagas"], "subject_id")
        orders = _by(self.tables["orders"], "reservation_id")
        payments = _by(self.tables["payments"], "reservation_id")
        events = _by(self.tables["log"], "key")
        theirs = _theirs(self.ledger)
        for row in self.tables["reservations"]:
            found = row["id"]
            told = [str(event["type"]) for event in events[found]]
            self.cases.append(
                Case(row, sagas[found], orders[found], payments[found], told, theirs(found))
            )


def read(*, database: str, sandbox: str, receipts: Sequence[Receipt]) -> Books:
    """Read our rows in one snapshot and the whole ledger of the sandbox."""
    tables = {}
    with psycopg.connect(database, row_factory=dict_row) as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for name, statement in TABLES.items():
            tables[name] = list(db.execute(statement).fetchall())
    ledger = httpx.get(f"{sandbox}/ledger", timeout=60).raise_for_status().json()
    return Books(tables=tables, ledger=ledger, receipts=receipts)


def _theirs(ledger: Mapping[str, list[Any]]) -> Any:
    """Return how to get the part of the ledger that concerns a reservation."""
    orders = defaultdict(list)
    for order in ledger["orders"]:
        orders[(order["reference"] or "").partition(":")[0]].append(order)
    intents = defaultdict(list)
    owner = {}
    for intent in ledger["payment_intents"]:
        owner[intent["id"]] = intent["metadata"].get("reservation_id", "")
        intents[owner[intent["id"]]].append(intent)
    captures = _owned(ledger["captures"], owner)
    refunds = _owned(ledger["refunds"], owner)
    return lambda reservation_id: {
        "orders": orders[reservation_id],
        "payment_intents": intents[reservation_id],
        "captures": captures[reservation_id],
        "refunds": refunds[reservation_id],
    }


def _owned(rows: Iterable[Any], owner: Mapping[str, str]) -> dict[str, list[Any]]:
    found = defaultdict(list)
    for row in rows:
        found[owner[row["payment_intent"]]].append(row)
    return found


def _by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found
