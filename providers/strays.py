"""The remote operation that takes back an order which should not stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from eventbus.publish import publish
from outbound.call import Call, Traits
from outbound.deadline import Deadline
from providers.gateways.protocol import Endpoint
from providers.gateways.registry import gateway_named
from providers.models import CANCELLED, Order, Partner
from providers.operations import CancelAnswer
from providers.refusals import CancelRefused


@dataclass(frozen=True, kw_only=True)
class StrayRequest:
    """Which one order to cancel, and where; ids and the amount (major units) as text, to be stored."""

    provider_id: str
    partner: str
    gateway: str
    base_url: str
    handle: str
    order_id: str
    item_id: str
    amount: str
    currency: str

    @property
    def endpoint(self) -> Endpoint:
        """Return where the partner can be reached."""
        return Endpoint(slug=self.partner, base_url=self.base_url)


class CancelStray:
    """Cancel one order that stands at a partner and should not; others of its leg are left alone."""

    refused_by = (CancelRefused,)
    assumed: ClassVar[Mapping[str, str]] = {"outcome": "cancelled"}

    def prepare(self, call: Call) -> StrayRequest:
        """Read where the partner is; `call.given` holds provider_id, handle, order_id, item_id, amount, currency."""
        partner = Partner.objects.get(pk=call.given["provider_id"])
        names = ("handle", "order_id", "item_id", "amount", "currency")
        return StrayRequest(
            provider_id=str(partner.pk),
            partner=partner.slug,
            gateway=partner.gateway,
            base_url=partner.base_url,
            **{name: str(call.given[name]) for name in names},
        )

    def call(self, request: StrayRequest, call: Call) -> CancelAnswer:
        """Cancel it.

        Raises:
            CancelRefused: the partner said a definite no: the order stands.
        """
        cancelled = gateway_named(request.gateway).cancel_one(
            partner=request.endpoint,
            handle=request.handle,
            deadline=Deadline.within(call.seconds),
        )
        return CancelAnswer(outcome="cancelled" if cancelled else "absent")

    def probe(self, request: StrayRequest, call: Call) -> CancelAnswer | None:
        """Cancel again: that is as good as asking, and repeating it changes nothing."""
        return self.call(request, call)

    def record(self, answer: CancelAnswer, call: Call) -> None:
        """Keep that the order is cancelled.

        It is told only if it was told as booked: of an order that nobody heard of, nobody need hear
        that it is gone, and a trip that stands with another order must not seem to have lost a leg.
        """
        given = call.given
        rows = Order.objects.select_for_update().filter(partner_id=given["provider_id"])
        order = rows.filter(partner_reference=given["order_id"]).first()
        order = order or rows.filter(key=given["handle"]).first()
        if order is None:
            _keep(call)
            return
        was_told = order.status != CANCELLED
        order.partner_reference = order.partner_reference or given["order_id"]
        if was_told:
            order.status, order.cancelled_at = CANCELLED, call.now
            publish(order.cancelled())
        order.save()

    def traits(self, request: StrayRequest) -> Traits:
        """Return how far the partner can be trusted with a repeated call."""
        return gateway_named(request.gateway).traits


def _keep(call: Call) -> None:
    """Keep an order that we did not know of, as cancelled."""
    given = call.given
    Order.objects.create(
        reservation_id=call.subject_id,
        item_id=UUID(str(given["item_id"])),
        partner_id=given["provider_id"],
        key=call.key,
        status=CANCELLED,
        partner_reference=given["order_id"],
        amount=Decimal(str(given["amount"])),
        currency=given["currency"],
        cancelled_at=call.now,
    )
