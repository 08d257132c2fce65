"""The partner network's JSON as it comes over the wire, checked before anything is believed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from outbound import http
from providers import domain
from providers.gateways.protocol import LedgerOrder, PartnerOffer, PartnerOrder

# Printable, so that PostgreSQL can store it; bounded, so that it fits its column.
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f]+$")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?$")]
Detail = (
    Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
    | int
    | float
    | bool
    | None
)
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class WirePolicyWindow(msgspec.Struct):
    """Cancelled before this instant, so many percent come back."""

    before: Instant
    refund_percent: Annotated[int, msgspec.Meta(ge=0, le=100)]


class WireOffer(msgspec.Struct):
    """One offer."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[!-~]+$")]
    kind: str
    product: Code
    title: Text
    amount: Amount
    currency: Currency
    expires_at: Instant
    starts_at_local: Annotated[str, msgspec.Meta(max_length=19)]
    starts_zone: Code
    ends_at_local: Annotated[str, msgspec.Meta(max_length=19)]
    ends_zone: Code
    details: dict[Code, Detail] = {}
    cancellation_policy: list[WirePolicyWindow] = []

    def to_offer(self) -> PartnerOffer:
        """Return the offer with its instants.

        Raises:
            Unparsable: a local time or its zone makes no sense.
        """
        try:
            starts_at = domain.instant(local=self.starts_at_local, zone=self.starts_zone)
            ends_at = domain.instant(local=self.ends_at_local, zone=self.ends_zone)
        except ValueError as error:
            raise http.Unparsable(f"offer {self.id}: {error}") from error
        return PartnerOffer(
            offer_id=self.id,
            kind=self.kind,
            product=self.product,
            title=self.title,
            amount=Decimal(self.amount),
            currency=self.currency,
            expires_at=self.expires_at.astimezone(UTC),
            starts_at=starts_at,
            starts_at_local=self.starts_at_local,
            starts_zone=self.starts_zone,
            ends_at=ends_at,
            ends_at_local=self.ends_at_local,
            ends_zone=self.ends_zone,
            details=dict(self.details),
            cancellation_policy=[
                {
                    "before": window.before.astimezone(UTC).isoformat(),
                    "refund_percent": window.refund_percent,
                }
                for window in self.cancellation_policy
            ],
        )


class WireOffers(msgspec.Struct):
    """The answer to a search."""

    offers: list[WireOffer]


class WireOrder(msgspec.Struct):
    """One order; a tombstone has an id and a status only."""

    id: Text
    status: Code
    key: Text | None = None
    reference: Text | None = None
    confirmation_code: Code | None = None
    amount: Amount | None = None
    currency: Currency | None = None

    @property
    def cancelled(self) -> bool:
        """Tell whether the order was cancelled, or is a tombstone."""
        return self.status == "cancelled"

    def to_order(self) -> PartnerOrder:
        """Return a confirmed order.

        Raises:
            Unparsable: it is not confirmed, or not complete.
        """
        complete = self.reference and self.confirmation_code and self.amount and self.currency
        if self.status != "confirmed" or not complete:
            raise http.Unparsable(f"order {self.id} ({self.status}) is not a confirmed order")
        return PartnerOrder(
            order_id=self.id,
            reference=self.reference or "",
            confirmation_code=self.confirmation_code or "",
            amount=Decimal(self.amount or 0),
            currency=self.currency or "",
        )

    def to_ledger(self) -> LedgerOrder:
        """Return the order as an entry of the partner's ledger.

        Raises:
            Unparsable: it is not complete.
        """
        if self.status not in {"confirmed", "cancelled"} or not (self.amount and self.currency):
            raise http.Unparsable(f"order {self.id} ({self.status}) is no entry of a ledger")
        return LedgerOrder(
            handle=self.key or self.id,
            order_id=self.id,
            reference=self.reference or "",
            standing=not self.cancelled,
            amount=Decimal(self.amount),
            currency=self.currency,
        )


class WireOrders(msgspec.Struct):
    """The orders that carry a reference, or a page of those of a window."""

    orders: list[WireOrder]
    next: Text | None = None


class WirePartner(msgspec.Struct):
    """One member of the network."""

    slug: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,50}$")]
    name: Text
    kind: str
    idempotency: str


class WirePartners(msgspec.Struct):
    """The members of the network."""

    partners: list[WirePartner]


class WireProblem(msgspec.Struct):
    """Why a request was not fulfilled."""

    code: str
    detail: str = ""
    amount: Amount | None = None


# What msgspec learns of a type at its first use must not be learnt by several threads at once.
for _wire_type in (WireOffer, WireOffers, WireOrder, WireOrders, WirePartners, WireProblem):
    msgspec.json.Decoder(_wire_type)
