"""What CRM must know: the log folded once more, by other code than CRM's."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tests.chaos.books import Books, Row

RANK: Final = {"open": 0, "failed": 1, "confirmed": 2, "cancelled": 3}
HEARD: Final = frozenset(
    {
        "booking.account_registered.v1",
        "providers.partner_registered.v1",
        "reservation.composed.v1",
        "providers.leg_booked.v1",
        "providers.leg_refused.v1",
        "providers.leg_cancelled.v1",
        "payments.captured.v1",
        "reservation.confirmed.v1",
        "reservation.failed.v1",
        "reservation.cancelled.v1",
    }
)
"""The events that CRM listens to, each with one handler."""


@dataclass
class Trip:
    """One reservation as CRM must know it."""

    account: str | None = None
    status: str = "open"
    since: datetime | None = None
    paid: bool = False
    shares: dict[str, Decimal | None] = field(default_factory=dict)

    def become(self, status: str, at: datetime) -> None:
        """Take over a status unless a later one is known; of the same instant the higher rank wins."""
        if self.since is None or (at, RANK[status]) > (self.since, RANK[self.status]):
            self.status, self.since = status, at


@dataclass
class Fold:
    """The state that the log amounts to."""

    trips: dict[str, Trip] = field(default_factory=dict)
    entries: set[tuple[str, str]] = field(default_factory=set)
    messages: set[tuple[str, str]] = field(default_factory=set)

    def apply(self, event: Row) -> None:
        """Add one event."""
        name = event["type"]
        if name.startswith(("reservation.", "providers.leg_")) or name == "payments.captured.v1":
            trip = self.trips.setdefault(event["key"], Trip())
            _RULES[name](self, trip, event, event["data"])

    def relationships(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Return (provider, account) -> how many trips are confirmed, cancelled, failed."""
        counts: dict[tuple[str, str], Counter[str]] = {}
        for trip in self.trips.values():
            for provider in trip.shares if trip.account else ():
                pair = counts.setdefault((provider, str(trip.account)), Counter())
                pair[trip.status] += 1
        return {
            pair: (count["confirmed"], count["cancelled"], count["failed"])
            for pair, count in counts.items()
        }


def differences(books: Books) -> list[str]:
    """Return where CRM's tables are not what the log amounts to; empty when nothing is missed or doubled."""
    fold, tables = Fold(), books.tables
    for event in tables["log"]:
        fold.apply(event)
    return [
        *_compare(
            "trip",
            {key: (t.account, t.status, t.paid) for key, t in fold.trips.items()},
            _rows(tables["crm_trips"], "reservation_id", "account_id", "status", "paid"),
        ),
        *_compare(
            "share",
            {(key, p): (a,) for key, t in fold.trips.items() for p, a in t.shares.items()},
            {(r["trip_id"], r["provider_id"]): (r["amount"],) for r in tables["crm_shares"]},
        ),
        *_compare(
            "relationship",
            fold.relationships(),
            {
                (r["provider_id"], r["account_id"]): (
                    r["confirmed_trips"],
                    r["cancelled_trips"],
                    r["failed_trips"],
                )
                for r in tables["crm_relationships"]
            },
        ),
        *_same("entry", fold.entries, _pairs(tables["crm_entries"], "source_event_id")),
        *_same("message", fold.messages, _pairs(tables["crm_messages"], "key")),
    ]


def deliveries(books: Books) -> list[str]:
    """Return the events that CRM did not deal with exactly once."""
    done = Counter(row["event_id"] for row in books.tables["inbox"] if row["status"] == "done")
    troubled = [
        f"{row['status']}: {row['handler']} on {row['event_id']}"
        for row in books.tables["inbox"]
        if row["status"] != "done"
    ]
    wrong = [
        f"{event['type']} {event['event_id']} was applied {done[event['event_id']]} times"
        for event in books.tables["log"]
        if done[event["event_id"]] != (event["type"] in HEARD)
    ]
    unnumbered = [e["event_id"] for e in books.tables["log"] if e["position"] is None]
    return [*troubled, *wrong, *(f"{event_id} has no position" for event_id in unnumbered)]


def _composed(fold: Fold, trip: Trip, event: Row, data: Any) -> None:
    trip.account = data["account_id"]


def _leg(fold: Fold, trip: Trip, event: Row, data: Any) -> None:
    trip.shares.setdefault(data["provider_id"], None)
    fold.entries.add((event["event_id"], data["provider_id"]))


def _captured(fold: Fold, trip: Trip, event: Row, data: Any) -> None:
    trip.paid = True


def _confirmed(fold: Fold, trip: Trip, event: Row, data: Any) -> None:
    trip.account = data["account_id"]
    trip.become("confirmed", _instant(data["confirmed_at"]))
    prices: dict[str, Decimal] = {}
    for leg in data["legs"]:
        provider = leg["provider_id"]
        prices[provider] = prices.get(provider, Decimal(0)) + Decimal(leg["amount"])
    trip.shares.update(prices)
    for provider in prices:
        fold.entries.add((event["event_id"], provider))
        fold.messages.add((f"event:{event['event_id']}", provider))


def _closed(status: str) -> "Rule":
    def rule(fold: Fold, trip: Trip, event: Row, data: Any) -> None:
        trip.account = data["account_id"]
        trip.become(status, _instant(data[f"{status}_at"]))
        fold.entries.update((event["event_id"], provider) for provider in data["provider_ids"])

    return rule


Rule = Callable[[Fold, Trip, Row, Any], None]
_RULES: Final[dict[str, Rule]] = {
    "reservation.composed.v1": _composed,
    "providers.leg_booked.v1": _leg,
    "providers.leg_refused.v1": _leg,
    "providers.leg_cancelled.v1": _leg,
    "payments.captured.v1": _captured,
    "reservation.confirmed.v1": _confirmed,
    "reservation.failed.v1": _closed("failed"),
    "reservation.cancelled.v1": _closed("cancelled"),
}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _rows(rows: Iterable[Row], key: str, *columns: str) -> dict[Any, tuple[Any, ...]]:
    return {row[key]: tuple(row[column] for column in columns) for row in rows}


def _pairs(rows: Iterable[Row], key: str) -> list[tuple[str, str]]:
    return [(row[key], row["provider_id"]) for row in rows]


def _compare(what: str, wanted: dict[Any, Any], found: dict[Any, Any]) -> list[str]:
    return [
        f"{what} {key}: the log says {wanted.get(key)}, CRM {found.get(key)}"
        for key in wanted.keys() | found.keys()
        if wanted.get(key) != found.get(key)
    ]


def _same(what: str, wanted: set[Any], found: list[Any]) -> list[str]:
    missed = [f"{what} {key} is missing" for key in wanted - set(found)]
    doubled = [f"{what} {key} is there {n} times" for key, n in Counter(found).items() if n > 1]
    return [*missed, *doubled, *(f"{what} {key} came from nowhere" for key in set(found) - wanted)]
