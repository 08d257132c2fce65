"""Our books of orders, and the partners' ledgers to compare them with. Nothing is written here."""

import logging
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Q

from outbound import http
from outbound.call import Idempotency, NotSent
from outbound.deadline import Deadline
from providers.gateways.protocol import LedgerOrder, UnexpectedAnswer
from providers.gateways.registry import gateway_named
from providers.models import BOOKED, Order, Partner
from providers.partners import endpoint

logger = logging.getLogger(__name__)

SIDE_BY_SIDE: Final = 8
TECHNICAL: Final = (NotSent, http.NoAnswer, UnexpectedAnswer)


@dataclass(frozen=True, kw_only=True)
class OrderInBooks:
    """An order as we have it; `order_id` is the partner's, "" if none was ever confirmed. `amount` in major units."""

    reservation_id: UUID
    item_id: UUID
    provider_id: UUID
    key: str
    order_id: str
    booked: bool
    amount: Decimal
    currency: str
    booked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class OrderAtPartner:
    """An order as its partner has it; `reservation_id` is None when the reference is none of ours.

    `handle` is what this one order is cancelled by; `amount` in major units.
    """

    provider_id: UUID
    partner: str
    handle: str
    order_id: str
    reference: str
    reservation_id: UUID | None
    item_id: UUID | None
    standing: bool
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class PartnerLedgers:
    """What partners answered: their orders, who answered in full, and why others did not (slug -> reason)."""

    orders: list[OrderAtPartner]
    complete: frozenset[UUID]
    silent: dict[str, str]


def orders_in_books(*, reservation_ids: Collection[UUID]) -> list[OrderInBooks]:
    """Return every order that we know of reservations, cancelled ones too."""
    rows = Order.objects.filter(reservation_id__in=reservation_ids).order_by("id")
    return [
        OrderInBooks(
            reservation_id=row.reservation_id,
            item_id=row.item_id,
            provider_id=row.partner_id,
            key=row.key,
            order_id=row.partner_reference,
            booked=row.status == BOOKED,
            amount=row.amount,
            currency=row.currency,
            booked_at=row.booked_at,
        )
        for row in rows
    ]


def unlisted_reservations(*, since: datetime, until: datetime) -> set[UUID]:
    """Return whose orders changed in [since, until) at partners that can be asked, but show no ledger."""
    asked = [one.pk for one in _partners() if not gateway_named(one.gateway).lists_orders]
    rows = Order.objects.filter(partner_id__in=asked).filter(
        Q(booked_at__gte=since, booked_at__lt=until)
        | Q(cancelled_at__gte=since, cancelled_at__lt=until)
    )
    return set(rows.values_list("reservation_id", flat=True))


def list_partner_orders(*, since: datetime, until: datetime, seconds: float) -> PartnerLedgers:
    """Ask every partner that shows its ledger, side by side, for the orders booked in [since, until)."""
    deadline = Deadline.within(seconds)
    partners = [one for one in _partners() if gateway_named(one.gateway).lists_orders]
    return _collect(partners, lambda partner: _list(partner, since, until, deadline))


def look_up_orders(
    *, books: Iterable[OrderInBooks], listed: Iterable[OrderAtPartner], seconds: float
) -> PartnerLedgers:
    """Ask about each order that we know of, or that was listed, alone; return those that stand now.

    A partner that can neither list nor be asked (class D) is left out.
    """
    deadline = Deadline.within(seconds)
    asked: dict[UUID, dict[tuple[str, str], None]] = {}
    for order in books:
        reference = f"{order.reservation_id}:{order.item_id}"
        asked.setdefault(order.provider_id, {})[order.key, reference] = None
    for entry in listed:
        asked.setdefault(entry.provider_id, {})[entry.handle, entry.reference] = None
    partners = [partner for partner in _partners() if partner.pk in asked]
    return _collect(partners, lambda partner: _look_up(partner, list(asked[partner.pk]), deadline))


def _partners() -> list[Partner]:
    """Return every partner that can be asked, inactive ones too: their orders stand."""
    partners = Partner.objects.order_by("slug")
    return [
        partner
        for partner in partners
        if gateway_named(partner.gateway).traits.idempotency is not Idempotency.D
    ]


def _collect(
    partners: list[Partner], ask: Callable[[Partner], list[OrderAtPartner]]
) -> PartnerLedgers:
    orders: dict[tuple[UUID, str], OrderAtPartner] = {}
    silent: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        answers = list(pool.map(lambda partner: _answer(partner, ask), partners))
    for partner, answer in zip(partners, answers, strict=True):
        if isinstance(answer, str):
            silent[partner.slug] = answer
        else:
            orders |= {(partner.pk, order.order_id): order for order in answer}
    answered = frozenset(partner.pk for partner in partners if partner.slug not in silent)
    return PartnerLedgers(orders=list(orders.values()), complete=answered, silent=silent)


def _answer(
    partner: Partner, ask: Callable[[Partner], list[OrderAtPartner]]
) -> list[OrderAtPartner] | str:
    """Return a partner's answer, or why there is none."""
    try:
        return ask(partner)
    except TECHNICAL as error:
        logger.warning("%s did not show its orders", partner.slug, exc_info=True)
        return f"{type(error).__name__}: {error}"


def _list(
    partner: Partner, since: datetime, until: datetime, deadline: Deadline
) -> list[OrderAtPartner]:
    found: list[OrderAtPartner] = []
    after = ""
    while True:
        page = gateway_named(partner.gateway).list_orders(
            partner=endpoint(partner),
            booked_from=since,
            booked_until=until,
            after=after,
            deadline=deadline,
        )
        found += [_of(partner, order) for order in page.orders]
        if not page.next:
            return found
        if page.next == after:
            raise UnexpectedAnswer("the next page is the same again")
        after = page.next


def _look_up(
    partner: Partner, asked: list[tuple[str, str]], deadline: Deadline
) -> list[OrderAtPartner]:
    return [
        _of(partner, order)
        for key, reference in asked
        for order in gateway_named(partner.gateway).standing(
            partner=endpoint(partner), key=key, reference=reference, deadline=deadline
        )
    ]


def _of(partner: Partner, order: LedgerOrder) -> OrderAtPartner:
    reservation_id, item_id = _split(order.reference)
    return OrderAtPartner(
        provider_id=partner.pk,
        partner=partner.slug,
        handle=order.handle,
        order_id=order.order_id,
        reference=order.reference,
        reservation_id=reservation_id,
        item_id=item_id,
        standing=order.standing,
        amount=order.amount,
        currency=order.currency,
    )


def _split(reference: str) -> tuple[UUID | None, UUID | None]:
    """Return (reservation, item) of a reference as we make them; (None, None) for any other."""
    reservation_id, _, item_id = reference.partition(":")
    try:
        return UUID(reservation_id), UUID(item_id)
    except ValueError:
        return None, None
