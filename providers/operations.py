"""The remote operations of Providers: book one leg, and cancel it (compensates `Book`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from eventbus.publish import publish
from eventbus.together import once, write
from outbound.call import Call, Traits
from outbound.deadline import Deadline
from providers import domain
from providers.breakers import Guarded
from providers.events import LegRefused
from providers.gateways.protocol import AnswerMismatch, Endpoint, NewOrder, PartnerOrder
from providers.gateways.registry import gateway_named
from providers.models import BOOKED, CANCELLED, Order
from providers.offers import resolve
from providers.refusals import AlreadyBooked, CancelRefused, Refused


class OrderNotFound(Exception):
    """There is no order that could be cancelled."""

    code = "order_not_found"


@dataclass(frozen=True, kw_only=True)
class BookRequest:
    """What to book, and where; ids and amounts (major units) as text, so that it can be stored."""

    provider_id: str
    partner: str
    gateway: str
    base_url: str
    offer_id: str
    amount: str
    currency: str
    reference: str
    travellers: list[dict[str, str | None]]

    @property
    def endpoint(self) -> Endpoint:
        """Return where the partner can be reached."""
        return Endpoint(slug=self.partner, base_url=self.base_url)


@dataclass(frozen=True, kw_only=True)
class BookAnswer:
    """The order as the partner confirmed it; `amount` in major units as text."""

    order_id: str
    confirmation_code: str
    amount: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class CancelRequest:
    """Which order to cancel: the one of `key`, or whatever the partner holds for `reference`.

    `order_id` is the partner's own, "" while its answer is not known.
    """

    provider_id: str
    partner: str
    gateway: str
    base_url: str
    key: str
    reference: str
    amount: str
    currency: str
    order_id: str = ""

    @property
    def endpoint(self) -> Endpoint:
        """Return where the partner can be reached."""
        return Endpoint(slug=self.partner, base_url=self.base_url)


@dataclass(frozen=True, kw_only=True)
class CancelAnswer:
    """What became of the order: `cancelled`, or `absent` when the partner holds none."""

    outcome: Literal["cancelled", "absent"]


class Book(Guarded):
    """Order one leg from its provider, at the price that the customer saw."""

    def prepare(self, call: Call) -> BookRequest:
        """Read where the partner of the leg is; `call.given` holds what to book.

        Raises:
            OfferNotFound: the offer belongs to no partner.
            AlreadyBooked: what an earlier attempt booked could not be cancelled.
        """
        given = call.given
        standing = once(Order.standing, call.subject_id)
        if standing.get(UUID(call.item), call.key) != call.key:
            raise AlreadyBooked(
                "what an earlier attempt booked for this leg could not be cancelled"
            )
        partner, partner_offer_id = resolve(str(given["offer_id"]))
        return BookRequest(
            provider_id=str(partner.id),
            partner=partner.slug,
            gateway=partner.gateway,
            base_url=partner.base_url,
            offer_id=partner_offer_id,
            amount=str(given["amount"]),
            currency=str(given["currency"]),
            reference=_reference(call),
            travellers=[domain.traveller(person) for person in given["travellers"]],
        )

    def call(self, request: BookRequest, call: Call) -> BookAnswer:
        """Place the order.

        Raises:
            Refused: the partner said a definite no.
            AnswerMismatch: it confirmed something else; whether it stands is to be found out.
        """
        order = NewOrder(
            offer_id=request.offer_id,
            amount=Decimal(request.amount),
            currency=request.currency,
            reference=request.reference,
            travellers=request.travellers,
        )
        booked = gateway_named(request.gateway).book(
            partner=request.endpoint,
            order=order,
            key=call.key,
            deadline=Deadline.within(call.seconds),
        )
        return _answer(booked)

    def probe(self, request: BookRequest, call: Call) -> BookAnswer | None:
        """Return the order that an earlier call left at the partner, None when there is none.

        Raises:
            OrderCancelled: it was booked and is cancelled, or its key has a tombstone.
            AnswerMismatch: the partner holds another order than the one asked for.
        """
        found = gateway_named(request.gateway).look_up(
            partner=request.endpoint,
            key=call.key,
            reference=request.reference,
            deadline=Deadline.within(call.seconds),
        )
        if found is None:
            return None
        asked = (Decimal(request.amount), request.currency, request.reference)
        if (found.amount, found.currency, found.reference) != asked:
            raise AnswerMismatch(f"{request.partner} holds order {found.order_id} instead")
        return _answer(found)

    def record(self, answer: BookAnswer, call: Call) -> None:
        """Keep the order and tell it; a key has one order, so that a second record fails."""
        order = Order(
            key=call.key,
            reservation_id=call.subject_id,
            item_id=UUID(call.item),
            partner_id=UUID(str(call.given["provider_id"])),
            status=BOOKED,
            partner_reference=answer.order_id,
            confirmation_code=answer.confirmation_code,
            amount=Decimal(answer.amount),
            currency=answer.currency,
            booked_at=call.now,
        )
        write(order)
        publish(order.booked())

    def record_refusal(self, refusal: Refused, call: Call) -> None:
        """Tell that the partner said no."""
        publish(
            LegRefused(
                reservation_id=call.subject_id,
                item_id=UUID(call.item),
                provider_id=UUID(str(call.given["provider_id"])),
                reason=refusal.code,
            )
        )

    def traits(self, request: BookRequest) -> Traits:
        """Return how far the partner can be trusted with a repeated order."""
        return gateway_named(request.gateway).traits


class Cancel(Guarded):
    """Cancel whatever one leg's order left at its provider (compensates `Book`, or on its own)."""

    refused_by = (CancelRefused,)
    assumed: ClassVar[Mapping[str, str]] = {"outcome": "cancelled"}

    def prepare(self, call: Call) -> CancelRequest:
        """Read what may have been booked: from the call to take back, or else from the leg's last order.

        Raises:
            OrderNotFound: there is neither.
        """
        if call.original is None:
            return _of_latest_order(call)
        booked = msgspec.convert(call.original.request, BookRequest)
        return CancelRequest(
            provider_id=booked.provider_id,
            partner=booked.partner,
            gateway=booked.gateway,
            base_url=booked.base_url,
            key=call.original.key,
            reference=booked.reference,
            amount=booked.amount,
            currency=booked.currency,
            order_id=str((call.original.result or {}).get("order_id", "")),
        )

    def call(self, request: CancelRequest, call: Call) -> CancelAnswer:
        """Cancel; class A leaves a tombstone, so that a late order is refused.

        Raises:
            CancelRefused: the partner said a definite no: the order stands.
        """
        cancelled = gateway_named(request.gateway).cancel(
            partner=request.endpoint,
            key=request.key,
            reference=request.reference,
            order_id=request.order_id,
            deadline=Deadline.within(call.seconds),
        )
        return CancelAnswer(outcome="cancelled" if cancelled else "absent")

    def probe(self, request: CancelRequest, call: Call) -> CancelAnswer | None:
        """Cancel again: that is as good as asking, and repeating it changes nothing."""
        return self.call(request, call)

    def record(self, answer: CancelAnswer, call: Call) -> None:
        """Keep and tell that the order is cancelled or surely does not exist, once per key."""
        request = self.prepare(call)
        order, is_new = Order.objects.select_for_update().get_or_create(
            key=request.key,
            defaults={
                "reservation_id": call.subject_id,
                "item_id": UUID(call.item),
                "partner_id": UUID(request.provider_id),
                "status": CANCELLED,
                "amount": Decimal(request.amount),
                "currency": request.currency,
                "cancelled_at": call.now,
            },
        )
        if not is_new:
            if order.status == CANCELLED:
                return
            order.status, order.cancelled_at = CANCELLED, call.now
            order.save()
        publish(order.cancelled())

    def traits(self, request: CancelRequest) -> Traits:
        """Return the partner's own: it says how long an unanswered order may still land."""
        return gateway_named(request.gateway).traits


def _answer(order: PartnerOrder) -> BookAnswer:
    return BookAnswer(
        order_id=order.order_id,
        confirmation_code=order.confirmation_code,
        amount=str(order.amount),
        currency=order.currency,
    )


def _of_latest_order(call: Call) -> CancelRequest:
    orders = Order.objects.filter(reservation_id=call.subject_id, item_id=UUID(call.item))
    order = orders.exclude(booked_at=None).select_related("partner").order_by("booked_at").last()
    if order is None:
        raise OrderNotFound(call.item)
    return CancelRequest(
        provider_id=str(order.partner_id),
        partner=order.partner.slug,
        gateway=order.partner.gateway,
        base_url=order.partner.base_url,
        key=order.key,
        reference=_reference(call),
        amount=str(order.amount),
        currency=order.currency,
        order_id=order.partner_reference,
    )


def _reference(call: Call) -> str:
    """Return what our orders are called at a partner: the leg, whatever the attempt."""
    return f"{call.subject_id}:{call.item}"
