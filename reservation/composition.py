"""Put a reservation together from offers and travellers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from eventbus.publish import publish
from outbound.call import Refusal
from reservation.domain import TravellerKind
from reservation.models import Item, Reservation, Traveller


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """The snapshot of an offer; `amount` in major units, `*_at` in UTC, policy windows in UTC."""

    kind: str
    provider_id: UUID
    offer_id: str
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
    details: dict[str, Any] = field(default_factory=dict)
    cancellation_policy: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class NewTraveller:
    """Who travels."""

    given_name: str
    family_name: str
    born_on: date | None = None
    kind: str = TravellerKind.ADULT.value


class CompositionRefused(Refusal):
    """The offers and travellers do not make a reservation; nothing was stored."""

    code = "composition_refused"


class EmptyReservation(CompositionRefused):
    """A reservation needs at least one offer."""

    code = "empty_reservation"


class NoTravellers(CompositionRefused):
    """A reservation needs at least one traveller."""

    code = "no_travellers"


class MixedCurrencies(CompositionRefused):
    """All offers of a reservation must have one currency."""

    code = "mixed_currencies"


class OfferExpired(CompositionRefused):
    """An offer's time has run out: it must be asked for again."""

    code = "offer_expired"


def compose(
    *,
    account_id: UUID,
    items: Sequence[NewItem],
    travellers: Sequence[NewTraveller],
    at: datetime,
) -> UUID:
    """Store a draft with its items and travellers, in their order; return its id.

    Raises:
        EmptyReservation, NoTravellers, MixedCurrencies, OfferExpired: what was given does not fit.
    """
    _check(items=items, travellers=travellers, at=at)
    with transaction.atomic():
        reservation = Reservation.objects.create(
            account_id=account_id,
            amount=sum((item.amount for item in items), Decimal(0)),
            currency=items[0].currency,
            created_at=at,
        )
        Item.objects.bulk_create(
            Item(reservation=reservation, position=position, **asdict(item))
            for position, item in enumerate(items, start=1)
        )
        name_travellers(reservation, travellers)
        publish(reservation.composed())
    return reservation.id


def check_travellers(travellers: Sequence[NewTraveller]) -> None:
    """Let a trip pass on which somebody travels.

    Raises:
        NoTravellers: nobody is named.
    """
    if not travellers:
        raise NoTravellers("a reservation needs at least one traveller")


def name_travellers(reservation: Reservation, travellers: Sequence[NewTraveller]) -> None:
    """Write down who travels, in their order."""
    Traveller.objects.bulk_create(
        Traveller(reservation=reservation, position=position, **asdict(traveller))
        for position, traveller in enumerate(travellers, start=1)
    )


def _check(*, items: Sequence[NewItem], travellers: Sequence[NewTraveller], at: datetime) -> None:
    if not items:
        raise EmptyReservation("a reservation needs at least one offer")
    check_travellers(travellers)
    if len({item.currency for item in items}) > 1:
        raise MixedCurrencies("all offers must have the same currency")
    if expired := [item.offer_id for item in items if item.expires_at <= at]:
        raise OfferExpired(f"expired: {', '.join(expired)}")
