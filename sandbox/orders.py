"""Orders: booking, looking up and cancelling, once per key or not, as each partner promises."""

import dataclasses
import datetime
import json
import secrets
import sqlite3
import time
from decimal import Decimal

from sandbox import faults, ledger, magic, prices
from sandbox.exchange import Answer, Delivery, Rejected, problem, silence
from sandbox.partners import Partner
from sandbox.settings import Durations

SHOWN = (
    "key",
    "id",
    "reference",
    "confirmation_code",
    "status",
    "amount",
    "currency",
    "offer_id",
    "booked_at",
    "cancelled_at",
)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RESERVATION_ID_LENGTH = 36


@dataclasses.dataclass(frozen=True)
class OrderRequest:
    """What is to be booked. `reference` is the caller's own and starts with the id of its reservation."""

    offer_id: str
    amount: str
    currency: str
    reference: str
    travellers: tuple[tuple[str, str, str | None], ...]

    @property
    def scope(self) -> str:
        """Name what counts as the same attempt to buy, whichever key is used."""
        return f"{self.offer_id}:{self.reference[:RESERVATION_ID_LENGTH]}"

    def as_text(self) -> str:
        """Write it in one form, to be compared and kept."""
        return ledger.dumps(dataclasses.asdict(self))


def place(
    books: ledger.Ledger,
    partner: Partner,
    key: str | None,
    request: OrderRequest,
    durations: Durations,
) -> Answer:
    """Book, unless a magic input wants otherwise. `durations` say when a late effect lands."""
    with books.write() as db:
        offer = _offer(db, partner, request.offer_id)
        found = faults.due(db, offer["product"], "book", request.scope)
        if instead := faults.instead(found):
            return instead
        _spoil_offer(db, found, offer)
        if found and found.does is magic.Does.LATE:
            _schedule(db, partner, key, request, durations.late)
            return silence(Delivery.HANG, "nothing yet; no answer")
        if found and found.does is magic.Does.MUCH_LATER:
            _schedule(db, partner, key, request, durations.much_later)
            return problem(500, "internal_error", "The partner's system failed.")
        return faults.afterwards(found, book(db, partner, key, request))


def book(
    db: sqlite3.Connection, partner: Partner, key: str | None, request: OrderRequest
) -> Answer:
    """Book unless the key, the offer or its price forbid it; in the caller's transaction."""
    earlier = _find(db, partner, key) if key else None
    if earlier and (known := _answer_again(partner, earlier, request)):
        return known
    if refusal := _refusal(db, partner, request):
        return refusal
    row = _new_order(db, partner, key, request, earlier)
    return Answer(201, as_json(row), "booked")


def look_up(book: ledger.Ledger, partner: Partner, key: str) -> Answer:
    """Show the order of a key (of an id, where the partner knows no keys)."""
    with book.read() as db:
        row = _find(db, partner, key)
    if row is None:
        return problem(404, "not_found", "There is no such order.")
    return Answer(200, as_json(row), "looked up")


def by_reference(book: ledger.Ledger, partner: Partner, reference: str) -> Answer:
    """Show all orders that carry a reference."""
    sql = "SELECT * FROM orders WHERE partner = ? AND reference = ? ORDER BY rowid"
    with book.read() as db:
        found = ledger.rows(db, sql, partner.slug, reference)
    return Answer(200, {"orders": [as_json(row) for row in found]}, "looked up")


def booked_within(
    book: ledger.Ledger,
    partner: Partner,
    *,
    since: datetime.datetime,
    until: datetime.datetime,
    limit: int,
    after: str,
) -> Answer:
    """Show the orders that were booked from `since` until before `until`, oldest first, a page of them.

    `after` is the `next` of the page before, "" for the first page.
    """
    sql = """SELECT * FROM orders WHERE partner = ? AND booked_at >= ? AND booked_at < ?
        AND booked_at || ' ' || id > ? ORDER BY booked_at || ' ' || id LIMIT ?"""
    bounds = (since.isoformat(), until.isoformat(), after, limit + 1)
    with book.read() as db:
        found = ledger.rows(db, sql, partner.slug, *bounds)
    shown = found[:limit]
    more = f"{shown[-1]['booked_at']} {shown[-1]['id']}" if len(found) > limit else None
    return Answer(200, {"orders": [as_json(row) for row in shown], "next": more}, "listed")


def cancel(book: ledger.Ledger, partner: Partner, key: str) -> Answer:
    """Cancel; repeating it changes nothing. An unknown key gets a tombstone where the partner promises one."""
    with book.write() as db:
        row = _find(db, partner, key)
        if row is None:
            return _cancel_unknown(db, partner, key)
        if row["status"] == "cancelled":
            return Answer(200, as_json(row), "cancelled before")
        if instead := faults.instead(faults.due(db, row["product"], "cancel", row["id"])):
            return instead
        changes = {"status": "cancelled", "cancelled_at": ledger.now()}
        sql = "UPDATE orders SET status = ?, cancelled_at = ? WHERE id = ?"
        db.execute(sql, (*changes.values(), row["id"]))
        return Answer(200, as_json(row | changes), "cancelled")


def parse(body: dict[str, object]) -> OrderRequest:
    """Read back a request that `OrderRequest.as_text` wrote."""
    texts = {name: str(body[name]) for name in ("offer_id", "amount", "currency", "reference")}
    travellers = body["travellers"]
    if not isinstance(travellers, list):
        raise TypeError(travellers)
    return OrderRequest(travellers=tuple((a, b, c) for a, b, c in travellers), **texts)


def as_json(row: ledger.Row) -> ledger.Row:
    """Show an order as its partner does."""
    return {name: row[name] for name in SHOWN}


def _offer(db: sqlite3.Connection, partner: Partner, offer_id: str) -> ledger.Row:
    row = ledger.one(
        db, "SELECT * FROM offers WHERE id = ? AND partner = ?", offer_id, partner.slug
    )
    if row is None:
        raise Rejected(problem(404, "unknown_offer", "There is no such offer."))
    return row


def _spoil_offer(db: sqlite3.Connection, found: magic.Magic | None, offer: ledger.Row) -> None:
    """Make the offer dearer, once, or let it expire; the refusal then follows from the offer itself."""
    first_price = offer["amount"] == json.loads(offer["body"])["amount"]
    if found and found.does is magic.Does.CHANGE_PRICE and first_price:
        amount = str(prices.raised(Decimal(offer["amount"])))
        db.execute("UPDATE offers SET amount = ? WHERE id = ?", (amount, offer["id"]))
    if found and found.does is magic.Does.EXPIRE:
        db.execute("UPDATE offers SET expires_at = ? WHERE id = ?", (ledger.now(), offer["id"]))


def _schedule(
    db: sqlite3.Connection, partner: Partner, key: str | None, request: OrderRequest, seconds: float
) -> None:
    row = {
        "due": time.time() + seconds,
        "partner": partner.slug,
        "key": key,
        "request": request.as_text(),
    }
    ledger.insert(db, "late_orders", row)


def _find(db: sqlite3.Connection, partner: Partner, key: str) -> ledger.Row | None:
    column = "key" if partner.keyed else "id"
    sql = f"SELECT * FROM orders WHERE partner = ? AND {column} = ?"  # noqa: S608
    return ledger.one(db, sql, partner.slug, key)


def _answer_again(partner: Partner, earlier: ledger.Row, request: OrderRequest) -> Answer | None:
    if earlier["status"] == "cancelled" and partner.idempotency == "A":
        return problem(409, "cancelled", "This key was cancelled and cannot be booked any more.")
    if earlier["request"] != request.as_text():
        return problem(422, "key_reused", "This key was used with another request.")
    if earlier["status"] == "cancelled":
        return None
    return Answer(200, as_json(earlier), "booked before")


def _refusal(db: sqlite3.Connection, partner: Partner, request: OrderRequest) -> Answer | None:
    offer = _offer(db, partner, request.offer_id)
    if offer["expires_at"] <= ledger.now():
        return problem(409, "offer_expired", "The offer has expired.")
    same = Decimal(request.amount) == Decimal(offer["amount"])
    if same and request.currency == offer["currency"]:
        return None
    price = {"amount": offer["amount"], "currency": offer["currency"]}
    return problem(409, "price_changed", "The price is another one now.", **price)


def _new_order(
    db: sqlite3.Connection,
    partner: Partner,
    key: str | None,
    request: OrderRequest,
    earlier: ledger.Row | None,
) -> ledger.Row:
    """Write the order; a partner without tombstones brings a cancelled one back to life."""
    offer = _offer(db, partner, request.offer_id)
    row: ledger.Row = {
        "id": earlier["id"] if earlier else f"ord_{secrets.token_hex(10)}",
        "partner": partner.slug,
        "key": key,
        "reference": request.reference,
        "offer_id": request.offer_id,
        "product": offer["product"],
        "status": "confirmed",
        "amount": offer["amount"],
        "currency": offer["currency"],
        "confirmation_code": "".join(secrets.choice(LETTERS) for _ in range(6)),
        "request": request.as_text(),
        "booked_count": 1 + (earlier["booked_count"] if earlier else 0),
        "booked_at": ledger.now(),
        "cancelled_at": None,
    }
    if earlier:
        db.execute("DELETE FROM orders WHERE id = ?", (earlier["id"],))
    ledger.insert(db, "orders", row)
    return row


def _cancel_unknown(db: sqlite3.Connection, partner: Partner, key: str) -> Answer:
    if partner.idempotency != "A":
        return problem(404, "not_found", "There is no such order.")
    row: ledger.Row = dict.fromkeys(SHOWN) | {
        "id": f"ord_{secrets.token_hex(10)}",
        "partner": partner.slug,
        "key": key,
        "status": "cancelled",
        "booked_count": 0,
        "cancelled_at": ledger.now(),
    }
    ledger.insert(db, "orders", row)
    return Answer(200, as_json(row), "tombstone")
