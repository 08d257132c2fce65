"""What Providers asks of a gateway, whatever interface the partner has."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from outbound.call import Traits
from outbound.deadline import Deadline


class UnexpectedAnswer(Exception):
    """The partner answered what its interface does not provide for: nothing is known."""


class AnswerMismatch(Exception):
    """The partner confirmed another order than the one that was asked for."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a partner can be reached."""

    slug: str
    base_url: str


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a traveller is looking for; `date` in ISO 8601, places as IATA codes."""

    kind: str
    date: str
    origin: str | None = None
    destination: str | None = None
    place: str | None = None
    nights: int | None = None
    days: int | None = None


@dataclass(frozen=True, kw_only=True)
class PartnerOffer:
    """An offer under the partner's own id; `amount` in major units, `*_at` in UTC."""

    offer_id: str
    kind: str
    product: str
    title: str
    amount: Decimal
    currency: str
    expires_at: datetime
    starts_at: datetime
    starts_at_local: str
    starts_zone: str
    ends_at: datetime
    ends_at_local: str
    ends_zone: str
    details: dict[str, Any]
    cancellation_policy: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """What to book, at the price that the customer saw, under our own reference."""

    offer_id: str
    amount: Decimal
    currency: str
    reference: str
    travellers: list[dict[str, str | None]]


@dataclass(frozen=True, kw_only=True)
class PartnerOrder:
    """An order that the partner holds as confirmed."""

    order_id: str
    reference: str
    confirmation_code: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class LedgerOrder:
    """An order in a partner's ledger; `standing` unless it was cancelled.

    `handle` is what the partner cancels this one order by: our key, or its own id.
    """

    handle: str
    order_id: str
    reference: str
    standing: bool
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class LedgerPage:
    """A part of a partner's ledger; `next` asks for the following part, "" when this is the last."""

    orders: list[LedgerOrder]
    next: str


class Gateway(Protocol):
    """One kind of partner interface. Every method may raise `NotSent` and `http.NoAnswer`.

    `lists_orders` declares whether the partner shows its ledger; otherwise every order that we know
    of is asked about alone (`standing`).
    """

    traits: Traits
    lists_orders: bool

    def search(self, *, partner: Endpoint, query: Query, deadline: Deadline) -> list[PartnerOffer]:
        """Return offers. Raises: InvalidSearch."""

    def quote(self, *, partner: Endpoint, offer_id: str, deadline: Deadline) -> PartnerOffer:
        """Return an offer at its price of now. Raises: OfferNotFound, OfferExpired."""

    def book(
        self, *, partner: Endpoint, order: NewOrder, key: str, deadline: Deadline
    ) -> PartnerOrder:
        """Book, once per key as far as the partner can. Raises: Refused, only for a definite no."""

    def look_up(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> PartnerOrder | None:
        """Return the confirmed order of a key, None when there is none. Raises: OrderCancelled."""

    def cancel(
        self, *, partner: Endpoint, key: str, reference: str, order_id: str, deadline: Deadline
    ) -> bool:
        """Cancel whatever was booked; return False when there was nothing to cancel.

        `order_id` is the partner's own, "" while nobody knows it. Raises: CancelRefused, only for a definite no.
        """

    def list_orders(
        self,
        *,
        partner: Endpoint,
        booked_from: datetime,
        booked_until: datetime,
        after: str,
        deadline: Deadline,
    ) -> LedgerPage:
        """Return a page of the orders booked in [from, until), cancelled ones too; `after` is "" at first."""

    def standing(
        self, *, partner: Endpoint, key: str, reference: str, deadline: Deadline
    ) -> list[LedgerOrder]:
        """Return every order that stands under a key or, where the partner knows none, under a reference."""

    def cancel_one(self, *, partner: Endpoint, handle: str, deadline: Deadline) -> bool:
        """Cancel the one order of a handle, however often; return False when there is none.

        Raises: CancelRefused, only for a definite no.
        """
