"""Offers: what a partner sells, at which price and until when."""

import dataclasses
import datetime
import json
import secrets
import zoneinfo
from decimal import Decimal

from sandbox import geography, ledger, magic, prices
from sandbox.exchange import Rejected, problem
from sandbox.partners import Partner

VALID_FOR = datetime.timedelta(minutes=30)
ORDINARY = ("standard", "flex", "saver")
PROPERTIES = ("Grand Hotel", "Garden Inn", "Harbour House", "City Lodge")
ROOMS = {"standard": "Double room", "flex": "Superior double room", "saver": "Single room"}
VEHICLES = {"standard": "Compact, 5 seats", "flex": "Estate, 5 seats", "saver": "Economy, 4 seats"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """A checked question to one partner. `place` is the origin of a flight; `days` counts nights or rental days."""

    partner: Partner
    place: geography.Place
    destination: geography.Place | None
    date: datetime.date
    days: int
    currency: str
    with_magic: bool


@dataclasses.dataclass(frozen=True)
class Span:
    """From when to when something is used, in local wall time with its zone."""

    starts: datetime.datetime
    ends: datetime.datetime

    def as_json(self) -> dict[str, str]:
        """Write wall times without an offset, beside the names of their zones."""
        return {
            "starts_at_local": self.starts.replace(tzinfo=None).isoformat(),
            "starts_zone": str(self.starts.tzinfo),
            "ends_at_local": self.ends.replace(tzinfo=None).isoformat(),
            "ends_zone": str(self.ends.tzinfo),
        }


def search(book: ledger.Ledger, wanted: Search) -> list[ledger.Row]:
    """Make the ordinary offers, then one offer for each magic product, and keep them."""
    products = ORDINARY + tuple(row.name for row in magic.PRODUCTS if wanted.with_magic)
    offers = [_offer(wanted, product) for product in products]
    with book.write() as db:
        for offer in offers:
            columns = ("id", "partner", "product", "amount", "currency", "expires_at")
            row = {column: offer[column] for column in columns}
            ledger.insert(db, "offers", row | {"body": ledger.dumps(offer)})
    return offers


def quote(book: ledger.Ledger, partner: Partner, offer_id: str) -> ledger.Row:
    """Offer again at the price of now, valid anew.

    Raises:
        Rejected: the offer is unknown (404) or has expired (410).
    """
    with book.write() as db:
        row = ledger.one(
            db, "SELECT * FROM offers WHERE id = ? AND partner = ?", offer_id, partner.slug
        )
        if row is None:
            raise Rejected(problem(404, "unknown_offer", "There is no such offer."))
        if row["expires_at"] <= ledger.now():
            raise Rejected(problem(410, "offer_expired", "The offer has expired; search again."))
        current = {"amount": row["amount"], "expires_at": _expiry(row["product"])}
        sql = "UPDATE offers SET expires_at = ? WHERE id = ?"
        db.execute(sql, (current["expires_at"], offer_id))
    offer: ledger.Row = json.loads(row["body"])
    return offer | current


def _offer(wanted: Search, product: str) -> ledger.Row:
    amount = prices.in_currency(prices.of_product(_euros(wanted), product), wanted.currency)
    span, details, title = _described(wanted, product)
    return {
        "id": f"off_{secrets.token_hex(12)}",
        "partner": wanted.partner.slug,
        "kind": wanted.partner.kind,
        "product": product,
        "title": title,
        "amount": str(amount),
        "currency": wanted.currency,
        "expires_at": _expiry(),
        **span.as_json(),
        "details": details,
        "cancellation_policy": _policy(product, span.starts),
    }


def _expiry(quoted_product: str = "") -> str:
    soon = magic.at(quoted_product, "quote")
    valid_for = datetime.timedelta(seconds=soon.seconds) if soon else VALID_FOR
    return (datetime.datetime.now(datetime.UTC) + valid_for).isoformat()


def _euros(wanted: Search) -> Decimal:
    date, slug = wanted.date, wanted.partner.slug
    if wanted.destination:
        return prices.flight_euros(wanted.place, wanted.destination, date, slug)
    least, spread = (70, 190) if wanted.partner.kind == "stay" else (28, 67)
    return prices.daily_euros(wanted.place, date, slug, wanted.days, least=least, spread=spread)


def _described(wanted: Search, product: str) -> tuple[Span, dict[str, object], str]:
    if wanted.destination:
        return _flight(wanted, wanted.destination)
    return _stay(wanted, product) if wanted.partner.kind == "stay" else _car(wanted, product)


def _flight(wanted: Search, destination: geography.Place) -> tuple[Span, dict[str, object], str]:
    origin, partner = wanted.place, wanted.partner
    seed = (partner.slug, origin.code, destination.code)
    minute = 6 * 60 + 5 * prices.dice(*seed, "departure", sides=190)
    starts = _local(wanted.date, origin.zone, minute)
    flown = datetime.timedelta(minutes=geography.flight_minutes(origin, destination))
    ends = (starts.astimezone(datetime.UTC) + flown).astimezone(zoneinfo.ZoneInfo(destination.zone))
    number = f"{partner.code}{100 + prices.dice(*seed, 'number', sides=900)}"
    details: dict[str, object] = {
        "origin": origin.code,
        "destination": destination.code,
        "carrier": partner.name,
        "flight_number": number,
    }
    return Span(starts, ends), details, f"{number} {origin.city} - {destination.city}"


def _stay(wanted: Search, product: str) -> tuple[Span, dict[str, object], str]:
    name = PROPERTIES[prices.dice(wanted.partner.slug, wanted.place.code, sides=len(PROPERTIES))]
    details: dict[str, object] = {
        "place": wanted.place.code,
        "property": f"{name} {wanted.place.city}",
        "nights": wanted.days,
        "room": ROOMS.get(product, ROOMS["standard"]),
    }
    span = _days(wanted, check_in=15 * 60, check_out=11 * 60)
    return span, details, f"{details['property']}, {wanted.days} nights"


def _car(wanted: Search, product: str) -> tuple[Span, dict[str, object], str]:
    details: dict[str, object] = {
        "place": wanted.place.code,
        "vehicle": VEHICLES.get(product, VEHICLES["standard"]),
        "days": wanted.days,
    }
    span = _days(wanted, check_in=10 * 60, check_out=10 * 60)
    return span, details, f"{details['vehicle']}, {wanted.place.city}, {wanted.days} days"


def _days(wanted: Search, *, check_in: int, check_out: int) -> Span:
    last = wanted.date + datetime.timedelta(days=wanted.days)
    zone = wanted.place.zone
    return Span(_local(wanted.date, zone, check_in), _local(last, zone, check_out))


def _local(date: datetime.date, zone: str, minute: int) -> datetime.datetime:
    time = datetime.time(minute // 60, minute % 60)
    return datetime.datetime.combine(date, time, zoneinfo.ZoneInfo(zone))


def _policy(product: str, starts: datetime.datetime) -> list[dict[str, object]]:
    """Say what comes back of the price when cancelled before which instant (UTC); nothing after the last."""
    terms = {"saver": [], "flex": [(0, 100)]}.get(product, [(7 * 24, 100), (24, 50)])
    instant = starts.astimezone(datetime.UTC)
    return [
        {
            "before": (instant - datetime.timedelta(hours=hours)).isoformat(),
            "refund_percent": percent,
        }
        for hours, percent in terms
    ]
