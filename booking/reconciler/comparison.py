"""What differs between our books and the ledgers of the other side, for one reservation. Pure Python.

It is asked only of a reservation at rest: no saga is live, and the quiet period is over. So whatever
differs will not settle itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """The classes of discrepancies; the runbook says what to do about each."""

    ORPHAN_AT_PARTNER = "ORPHAN_AT_PARTNER"  # booked there; here it should not be
    MISSING_AT_PARTNER = "MISSING_AT_PARTNER"  # booked here; there it is not
    CAPTURED_WITHOUT_CONFIRMED = "CAPTURED_WITHOUT_CONFIRMED"  # money taken for no trip
    CONFIRMED_WITHOUT_CAPTURE = "CONFIRMED_WITHOUT_CAPTURE"  # a trip that nobody paid for
    AUTHORISATION_LEFT = "AUTHORISATION_LEFT"  # held on a card for nothing
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    DOUBLE = "DOUBLE"  # booked or taken again beside what stands
    REFUND_MISMATCH = "REFUND_MISMATCH"  # more or less given back than we say


class Remedy(StrEnum):
    """What puts a discrepancy right without a person."""

    CANCEL_ORDER = "cancel_order"
    GIVE_BACK = "give_back"
    NONE = ""


class Standing(StrEnum):
    """What should be at the other side."""

    UNKNOWN = "unknown"  # no such reservation here: nobody can say
    UNBOOKED = "unbooked"  # draft, failed, or cancelled before it was confirmed: nothing
    CONFIRMED = "confirmed"  # every leg and the money
    CANCELLED = "cancelled"  # cancelled after it was confirmed: what the policy lets us keep


@dataclass(frozen=True, kw_only=True)
class OurOrder:
    """An order that we have as booked; amounts here and below in major units."""

    item_id: str
    order_id: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class OurPayment:
    """A payment that we opened, whatever became of it."""

    intent_id: str
    captured: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    currency: str = "EUR"


@dataclass(frozen=True, kw_only=True)
class Books:
    """Our side; `accepted` are the items whose loss a person bore ("" is the payment)."""

    standing: Standing
    legs: tuple[str, ...] = ()
    orders: tuple[OurOrder, ...] = ()
    payments: tuple[OurPayment, ...] = ()
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class TheirOrder:
    """An order that stands at a partner; `handle` is what this one order is cancelled by."""

    provider_id: str
    partner: str
    handle: str
    order_id: str
    item_id: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class TheirPayment:
    """A payment at the card processor."""

    intent_id: str
    held: Decimal = Decimal(0)
    captured: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    currency: str = "EUR"

    @property
    def kept(self) -> Decimal:
        """Return what was taken and not given back."""
        return self.captured - self.refunded


@dataclass(frozen=True, kw_only=True)
class Ledgers:
    """The other side."""

    orders: tuple[TheirOrder, ...] = ()
    payments: tuple[TheirPayment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One discrepancy: about what, with both sides' facts, and what the remedy has to know (JSON-ready)."""

    kind: Kind
    what: str
    remedy: Remedy = Remedy.NONE
    facts: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, str] = field(default_factory=dict)


def compare(books: Books, ledgers: Ledgers) -> tuple[Finding, ...]:
    """Return everything that differs."""
    return tuple(finding for rule in RULES for finding in rule(books, ledgers))


def _stray_orders(books: Books, ledgers: Ledgers) -> Iterator[Finding]:
    """Orders that stand at a partner and should not."""
    ours = {order.order_id: order for order in books.orders}
    held = {ours[order.order_id].item_id for order in ledgers.orders if order.order_id in ours}
    for order in ledgers.orders:
        if books.standing is Standing.CONFIRMED:
            if order.order_id in ours:
                continue
            double = order.item_id in held
            # In place of the order that we know, rather than beside it: nobody may cancel that unasked.
            kind = Kind.DOUBLE if double else Kind.ORPHAN_AT_PARTNER
            yield _stray(kind, order, safe=double)
        elif order.item_id not in books.accepted:
            yield _stray(Kind.ORPHAN_AT_PARTNER, order, safe=books.standing is not Standing.UNKNOWN)


def _lost_orders(books: Books, ledgers: Ledgers) -> Iterator[Finding]:
    """Legs of a confirmed trip that no order stands for, or one at another price."""
    if books.standing is not Standing.CONFIRMED:
        return
    theirs = {order.order_id: order for order in ledgers.orders}
    booked = {order.item_id: order for order in books.orders}
    for item_id in dict.fromkeys((*books.legs, *booked)):
        own = booked.get(item_id)
        if own is None or own.order_id not in theirs:
            facts = {"ours": None if own is None else _price(own), "theirs": None}
            yield Finding(kind=Kind.MISSING_AT_PARTNER, what=f"leg {item_id}", facts=facts)
        elif _price(own) != _price(theirs[own.order_id]):
            facts = {"ours": _price(own), "theirs": _price(theirs[own.order_id])}
            yield Finding(kind=Kind.AMOUNT_MISMATCH, what=f"leg {item_id}", facts=facts)


def _kept_payment(books: Books, ledgers: Ledgers) -> Iterator[Finding]:
    """The payment of a trip that is, or was, confirmed: taken and given back as we say."""
    if books.standing not in {Standing.CONFIRMED, Standing.CANCELLED} or "" in books.accepted:
        return
    own = _own_payment(books)
    theirs = {payment.intent_id: payment for payment in ledgers.payments}
    found = theirs.get(own.intent_id) if own else None
    if own is None or found is None or not found.captured:
        if books.standing is Standing.CONFIRMED or own is not None:
            what = f"payment {own.intent_id}" if own else "the trip"
            yield Finding(kind=Kind.CONFIRMED_WITHOUT_CAPTURE, what=what, facts=_both(own, found))
    elif (own.captured, own.currency) != (found.captured, found.currency):
        yield Finding(
            kind=Kind.AMOUNT_MISMATCH, what=f"payment {own.intent_id}", facts=_both(own, found)
        )
    elif own.refunded != found.refunded:
        yield Finding(
            kind=Kind.REFUND_MISMATCH, what=f"payment {own.intent_id}", facts=_both(own, found)
        )


def _stray_payments(books: Books, ledgers: Ledgers) -> Iterator[Finding]:
    """Money taken, or held on a card, that belongs to no trip."""
    own = _own_payment(books)
    known = {payment.intent_id: payment for payment in books.payments}
    stands = own is not None and any(
        payment.captured for payment in ledgers.payments if payment.intent_id == own.intent_id
    )
    for payment in ledgers.payments:
        if (own and payment.intent_id == own.intent_id) or "" in books.accepted:
            continue
        # What we did not open is not ours to give back: another system may share the account.
        safe = payment.intent_id in known and books.standing is not Standing.UNKNOWN
        if payment.kept > 0:
            paid = books.standing in {Standing.CONFIRMED, Standing.CANCELLED}
            kind = Kind.DOUBLE if paid else Kind.CAPTURED_WITHOUT_CONFIRMED
            remedied = safe and (stands or not paid)
        elif payment.held > 0:
            kind, remedied = Kind.AUTHORISATION_LEFT, safe
        else:
            continue
        yield Finding(
            kind=kind,
            what=f"payment {payment.intent_id}",
            remedy=Remedy.GIVE_BACK if remedied else Remedy.NONE,
            facts=_both(known.get(payment.intent_id), payment),
            target={"intent_id": payment.intent_id},
        )


RULES: Final[tuple[Callable[[Books, Ledgers], Iterator[Finding]], ...]] = (
    _stray_orders,
    _lost_orders,
    _kept_payment,
    _stray_payments,
)


def _own_payment(books: Books) -> OurPayment | None:
    """Return the payment of the trip, if it should have one: the one that we took and did not give back."""
    if books.standing not in {Standing.CONFIRMED, Standing.CANCELLED}:
        return None
    taken = [payment for payment in books.payments if payment.captured > 0]
    kept = [payment for payment in taken if payment.captured > payment.refunded]
    return next(reversed(kept or taken), None)


def _stray(kind: Kind, order: TheirOrder, *, safe: bool) -> Finding:
    names = ("provider_id", "handle", "order_id", "item_id", "currency")
    return Finding(
        kind=kind,
        what=f"order {order.partner} {order.order_id}",
        remedy=Remedy.CANCEL_ORDER if safe else Remedy.NONE,
        facts={"ours": None, "theirs": _price(order)},
        target={name: getattr(order, name) for name in names} | {"amount": str(order.amount)},
    )


def _price(order: OurOrder | TheirOrder) -> str:
    # Without the digits that a side happens to write: 120.00 is 120.
    return f"{order.amount.normalize():f} {order.currency}"


def _both(ours: OurPayment | None, theirs: TheirPayment | None) -> dict[str, Any]:
    return {
        "ours": ours and _figures(ours, "captured", "refunded"),
        "theirs": theirs and _figures(theirs, "held", "captured", "refunded"),
    }


def _figures(payment: OurPayment | TheirPayment, *names: str) -> dict[str, str]:
    figures = {name: f"{getattr(payment, name).normalize():f}" for name in names}
    return figures | {"currency": payment.currency}
