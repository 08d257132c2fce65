"""The first look: list the ledgers of a window, and name the reservations that must be asked about alone.

A listing is read while bookings go on, so what differs here is a suspicion. It is cheap: a few pages
for each partner and a few statements for each hundred reservations.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from booking import discrepancies
from booking.models import SagaInstance
from booking.reconciler import books, theirs
from booking.reconciler.books import Entry
from booking.reconciler.comparison import Ledgers, TheirPayment, compare
from payments import services as payments
from providers import services as providers

CHUNK: Final = 200
PROCESSOR: Final = "card processor"


@dataclass(frozen=True, kw_only=True)
class Window:
    """What is looked at: [since, until), by the clocks of the other side as well as ours."""

    since: datetime
    until: datetime

    def __contains__(self, at: datetime | None) -> bool:
        """Tell whether an instant is within."""
        return at is not None and self.since <= at < self.until


@dataclass(kw_only=True)
class Survey:
    """What was listed, by reservation, and what follows from it.

    `complete`: the partners that answered in full; `silent`: who did not (name -> reason);
    `suspects`: whom to ask about alone; `restless`: with a saga that is live, or just over.
    """

    window: Window
    orders: dict[UUID, list[providers.OrderAtPartner]] = field(default_factory=dict)
    paid: dict[UUID, list[payments.PaymentAtProcessor]] = field(default_factory=dict)
    complete: frozenset[UUID] = frozenset()
    silent: dict[str, str] = field(default_factory=dict)
    suspects: set[UUID] = field(default_factory=set)
    restless: set[UUID] = field(default_factory=set)


def survey(window: Window, *, now: datetime, seconds: float) -> Survey:
    """List the ledgers of a window; `seconds` is how long each side may take."""
    since, until = window.since, window.until
    found = _listed(window, seconds)
    active = _active(window)
    found.suspects |= providers.unlisted_reservations(since=since, until=until)
    found.suspects |= payments.unlisted_reservations(since=since, until=until, active=active)
    found.suspects |= set(discrepancies.open_ones().values_list("reservation_id", flat=True))
    listed = sorted((active | found.orders.keys() | found.paid.keys()) - found.suspects)
    for start in range(0, len(listed), CHUNK):
        found.suspects |= set(_differing(listed[start : start + CHUNK], found, now))
    return found


def _listed(window: Window, seconds: float) -> Survey:
    since, until = window.since, window.until
    at_partners = providers.list_partner_orders(since=since, until=until, seconds=seconds)
    at_processor = payments.list_processor_payments(since=since, until=until, seconds=seconds)
    found = Survey(window=window, complete=at_partners.complete, silent=dict(at_partners.silent))
    if at_processor.silent:
        found.silent[PROCESSOR] = at_processor.silent
    for order in at_partners.orders:
        if order.reservation_id is not None:
            found.orders.setdefault(order.reservation_id, []).append(order)
    for payment in at_processor.payments:
        if payment.reservation_id is not None:
            found.paid.setdefault(payment.reservation_id, []).append(payment)
    return found


def _active(window: Window) -> set[UUID]:
    """Return the reservations whose sagas ended within the window."""
    ended = SagaInstance.objects.filter(finished_at__gte=window.since, finished_at__lt=window.until)
    return set(ended.values_list("subject_id", flat=True))


def _differing(reservation_ids: Collection[UUID], found: Survey, now: datetime) -> Iterator[UUID]:
    at_rest = books.at_rest(reservation_ids, now=now)
    found.restless |= set(reservation_ids) - at_rest.keys()
    for reservation_id, entry in books.read(list(at_rest)).items():
        if compare(entry.books, _as_listed(reservation_id, entry, found)):
            yield reservation_id


def _as_listed(reservation_id: UUID, entry: Entry, found: Survey) -> Ledgers:
    """Return the other side as listed; of what the listing cannot show, take our word for now."""
    listed = theirs.ledgers(
        found.orders.get(reservation_id, ()), found.paid.get(reservation_id, ())
    )
    shown = {order.order_id for order in listed.orders}
    known = {payment.intent_id for payment in listed.payments}
    orders = [
        theirs.our_word(order)
        for order in entry.orders
        if order.booked and order.order_id not in shown and not _would_show(order, found)
    ]
    paid = [
        TheirPayment(
            intent_id=payment.intent_id,
            captured=payment.captured,
            refunded=payment.refunded,
            currency=payment.currency,
        )
        for payment in entry.payments
        if payment.intent_id not in known
        and (PROCESSOR in found.silent or payment.created_at not in found.window)
    ]
    return replace(listed, orders=(*listed.orders, *orders), payments=(*listed.payments, *paid))


def _would_show(order: providers.OrderInBooks, found: Survey) -> bool:
    return order.provider_id in found.complete and order.booked_at in found.window
