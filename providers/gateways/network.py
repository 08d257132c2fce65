"""Partners of the network's JSON interface: those that know our keys, our reference, or neither."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings

from outbound import http
from outbound.call import Idempotency, Traits
from outbound.deadline import Deadline
from providers import refusals
from providers.gateways import exchange
from providers.gateways.protocol import (
    AnswerMismatch,
    Endpoint,
    LedgerOrder,
    LedgerPage,
    NewOrder,
    PartnerOffer,
    PartnerOrder,
    Query,
)
from providers.gateways.wire import WireOffer, WireOffers, WireOrder, WireOrders


class _Catalogue:
    """What all partners of the network have in common: searching, quoting, one order cancelled, the ledger."""

    def __init__(self, idempotency: Idempotency) -> None:
        self.traits = Traits(
            idempotency=idempotency,
            quiet_seconds=settings.PARTNER_QUIET_SECONDS,
        )

    def search(self, *, partner: Endpoint, query: Query, deadline: Deadline) -> list[PartnerOffer]:
        """Return offers. Raises: InvalidSearch."""
        params = {name: str(value) for name, value in asdict(query).items() if value is not None}
        answer = exchange.ask(
            partner=partner, method="GET", path=("offers",), params=params, deadline=deadline
        )
        found = exchange.succeeded(answer, refused_by=(refusals.InvalidSearch,)).decode(WireOffers)
        return [offer.to_offer() for offer in found.offers]

    def quote(self, *, partner: Endpoint, offer_id: str, deadline: Deadline) -> PartnerOffer:
        """Return an offer at its price of now. Raises: OfferNotFound, OfferExpired."""
        answer = exchange.ask(
            partner=partner,
            method="POST",
            path=("quotes",),
            body={"offer_id": offer_id},
            deadline=deadline,
        )
        possible = (refusals.OfferNotFound, refusals.OfferExpired)
        return exchange.succeeded(answer, refused_by=possible).decode(WireOffer).to_offer()

    def cancel_one(self, *, partner: Endpoint, handle: str, deadline: Deadline) -> bool:
        """Cancel the one order of a handle. Raises: CancelRefused."""
        answer = exchange.ask(
            partner=partner, method="DELETE", path=("orders", handle), deadline=deadline
        )
        if exchange.absent(answer):
            return False
        _cancelled(answer)
        return True

    def list_orders(
        self,
        *,
        partner: Endpoint,
        booked_from: datetime,
        booked_until: datetime,
        after: str,
        deadline: Deadline,
    ) -> LedgerPage:
        """Return a page of the orders booked in [from, until)."""
        window = {"booked_from": booked_from.isoformat(), "booked_until": booked_until.isoformat()}
        answer = exchange.ask(
            partner=partner,
            method="GET",
            path=("orders",),
            params=window | ({"after": after} if after else {}),
            deadline=deadline,
        )
        page = exchange.succeeded(answer, refused_by=()).decode(WireOrders)
        return LedgerPage(orders=[order.to_ledger() for order in page.orders], next=page.next or "")


class CannotBeAsked(Exception):
    """The partner has no way of saying what became of an order."""


class KeyedGateway(_Catalogue):
    """A partner that books once per key (class A, with a tombstone on cancel, or class B)."""

    lists_orders = True

    def book(
        self, *, partner: Endpoint, order: NewOrder, key: str, deadline: Deadline
    ) -> PartnerOrder:
        """Book under our key. Raises: Refused."""
        answer = exchange.ask(
            partner=partner,
            method="PUT",
            path=("orders", key),
            body=_body(order),
            deadline=deadline,
        )
        booked = exchange.succeeded(answer, refused_by=(refusals.Refused,)).decode(WireOrder)
        return _same(booked.to_order(), order)

    def look_up(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> PartnerOrder | None:
        """Return the confirmed order of a key. Raises: OrderCancelled."""
        answer = exchange.ask(
            partner=partner, method="GET", path=("orders", key), deadline=deadline
        )
        if exchange.absent(answer):
            return None
        found = exchange.succeeded(answer, refused_by=()).decode(WireOrder)
        if found.cancelled:
            raise refusals.OrderCancelled(key)
        return found.to_order()

    def cancel(
        self, *, partner: Endpoint, key: str, reference: str, order_id: str, deadline: Deadline
    ) -> bool:
        """Cancel under our key; class A also when nothing was booked. Raises: CancelRefused."""
        return self.cancel_one(partner=partner, handle=key, deadline=deadline)

    def standing(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> list[LedgerOrder]:
        """Return the order of a key, if it stands."""
        answer = exchange.ask(
            partner=partner, method="GET", path=("orders", key), deadline=deadline
        )
        if exchange.absent(answer):
            return []
        found = exchange.succeeded(answer, refused_by=()).decode(WireOrder)
        return [] if found.cancelled else [found.to_ledger()]


class BlindGateway(_Catalogue):
    """A partner that books at every request and cannot be asked (class D).

    What is not answered, nobody knows but the partner's own people.
    """

    lists_orders = False

    def book(
        self, *, partner: Endpoint, order: NewOrder, key: str, deadline: Deadline
    ) -> PartnerOrder:
        """Book anew. Raises: Refused."""
        answer = exchange.ask(
            partner=partner, method="POST", path=("orders",), body=_body(order), deadline=deadline
        )
        booked = exchange.succeeded(answer, refused_by=(refusals.Refused,)).decode(WireOrder)
        return _same(booked.to_order(), order)

    def look_up(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> PartnerOrder | None:
        """Find nothing out. Raises: CannotBeAsked, always."""
        raise CannotBeAsked(f"{partner.slug} keeps no list of orders for us")

    def cancel(
        self, *, partner: Endpoint, key: str, reference: str, order_id: str, deadline: Deadline
    ) -> bool:
        """Cancel by the partner's own id. Raises: CancelRefused, also when nobody knows the id."""
        if not order_id:
            raise refusals.CancelRefused(f"{partner.slug} never told which order this is")
        return self.cancel_one(partner=partner, handle=order_id, deadline=deadline)

    def standing(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> list[LedgerOrder]:
        """Find nothing out. Raises: CannotBeAsked, always."""
        raise CannotBeAsked(f"{partner.slug} keeps no list of orders for us")


class ReferenceGateway(BlindGateway):
    """A partner that books at every request, and can only be asked by our reference (class C).

    The reference names the item of the reservation, not the attempt: whatever an earlier attempt
    left is found as well.
    """

    def look_up(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> PartnerOrder | None:
        """Return the confirmed order of our reference.

        Raises:
            AnswerMismatch: there are several; what stands must be settled by cancelling all of them.
        """
        orders = self._confirmed(partner, reference, deadline)
        if len(orders) > 1:
            raise AnswerMismatch(f"{partner.slug} holds {len(orders)} orders for {reference}")
        return orders[0].to_order() if orders else None

    def cancel(
        self, *, partner: Endpoint, key: str, reference: str, order_id: str, deadline: Deadline
    ) -> bool:
        """Cancel every confirmed order of our reference. Raises: CancelRefused."""
        orders = self._confirmed(partner, reference, deadline)
        for order in orders:
            self.cancel_one(partner=partner, handle=order.id, deadline=deadline)
        return bool(orders)

    def standing(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> list[LedgerOrder]:
        """Return every order that stands under our reference."""
        return [order.to_ledger() for order in self._confirmed(partner, reference, deadline)]

    def _confirmed(self, partner: Endpoint, reference: str, deadline: Deadline) -> list[WireOrder]:
        answer = exchange.ask(
            partner=partner,
            method="GET",
            path=("orders",),
            params={"reference": reference},
            deadline=deadline,
        )
        found = exchange.succeeded(answer, refused_by=()).decode(WireOrders)
        return [order for order in found.orders if not order.cancelled]


def _body(order: NewOrder) -> dict[str, Any]:
    return {**asdict(order), "amount": str(order.amount)}


def _same(booked: PartnerOrder, order: NewOrder) -> PartnerOrder:
    asked = (order.reference, order.amount, order.currency)
    if (booked.reference, booked.amount, booked.currency) != asked:
        raise AnswerMismatch(f"order {booked.order_id} is not what was asked for: {asked}")
    return booked


def _cancelled(answer: http.Answer) -> None:
    order = exchange.succeeded(answer, refused_by=(refusals.CancelRefused,)).decode(WireOrder)
    if not order.cancelled:
        raise AnswerMismatch(f"order {order.id} is {order.status} after its cancellation")
