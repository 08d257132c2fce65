"""What can be known about a reservation: values, never rows."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from reservation import domain
from reservation.models import Item, Reservation, Traveller


class ReservationNotFound(Exception):
    """There is no reservation with this id."""

    code = "reservation_not_found"


class NotCancelling(Exception):
    """No cancellation of the reservation is under way, so nothing comes back."""

    code = "reservation_not_cancelling"


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a reservation costs, in major units."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class ItemDetails:
    """One flight, stay or car; `amount` in major units, `*_at` in UTC."""

    item_id: UUID
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
    details: dict[str, Any]
    cancellation_policy: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class TravellerDetails:
    """Who travels."""

    given_name: str
    family_name: str
    born_on: date | None
    kind: str


@dataclass(frozen=True, kw_only=True)
class ReservationSummary:
    """A reservation without its items; `amount` in major units."""

    reservation_id: UUID
    account_id: UUID
    status: str
    amount: Decimal
    currency: str
    created_at: datetime
    updated_at: datetime
    confirmed_at: datetime | None
    failed_at: datetime | None
    cancelled_at: datetime | None
    failure_reason: str
    cancellation_reason: str
    version: int


@dataclass(frozen=True, kw_only=True)
class RefundQuote:
    """What comes back when the trip is cancelled, in major units: in all, and for each item."""

    amount: Decimal
    currency: str
    items: dict[UUID, Decimal]


@dataclass(frozen=True, kw_only=True)
class ReservationDetails(ReservationSummary):
    """Everything that the service knows about a reservation."""

    held_at: datetime | None
    released_at: datetime | None
    cancelling_at: datetime | None
    refund_quote: Decimal | None
    items: tuple[ItemDetails, ...]
    travellers: tuple[TravellerDetails, ...]

    @property
    def expires_at(self) -> datetime:
        """Return when the first of the offers expires."""
        return min(item.expires_at for item in self.items)

    def refund_at(self, at: datetime) -> RefundQuote:
        """Return what comes back by the policies stored at booking, were it cancelled at an instant."""
        return _quote(self.items, at)


@dataclass(frozen=True, kw_only=True)
class LegDetails:
    """What a provider needs to book one item; `amount` in major units."""

    item_id: UUID
    offer_id: str
    provider_id: UUID
    kind: str
    amount: Decimal
    currency: str
    travellers: tuple[TravellerDetails, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON-ready values, amounts and dates as text."""
        return {
            **asdict(self),
            "item_id": str(self.item_id),
            "provider_id": str(self.provider_id),
            "amount": str(self.amount),
            "travellers": [
                {**asdict(person), "born_on": person.born_on and person.born_on.isoformat()}
                for person in self.travellers
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a reservation is, for whoever compares books; `item_ids` are its legs, in the traveller's order."""

    status: str
    was_confirmed: bool
    item_ids: tuple[UUID, ...]


def standings(*, reservation_ids: Collection[UUID], lock: bool = False) -> dict[UUID, Standing]:
    """Return where reservations are; unknown ones are left out.

    `lock` keeps them as they are until the end of the caller's transaction.
    """
    rows = Reservation.objects.filter(pk__in=reservation_ids).order_by("pk")
    items: dict[UUID, list[UUID]] = {}
    for item in Item.objects.filter(reservation_id__in=reservation_ids).order_by("position"):
        items.setdefault(item.reservation_id, []).append(item.id)
    return {
        row.id: Standing(
            status=row.status,
            was_confirmed=row.confirmed_at is not None,
            item_ids=tuple(items.get(row.id, ())),
        )
        for row in (rows.select_for_update() if lock else rows)
    }


def details(*, reservation_id: UUID) -> ReservationDetails:
    """Return everything about a reservation.

    Raises:
        ReservationNotFound: there is none.
    """
    for found in read(Reservation.objects.filter(pk=reservation_id)):
        return found
    raise ReservationNotFound(str(reservation_id))


def of(*, account_id: UUID, reservation_id: UUID) -> ReservationSummary:
    """Return a reservation of an account.

    Raises:
        ReservationNotFound: there is none, or it is another account's.
    """
    reservation = row_of(reservation_id)
    if reservation.account_id != account_id:
        raise ReservationNotFound(str(reservation_id))
    return summary(reservation)


def price(*, reservation_id: UUID) -> Price:
    """Return what a reservation costs.

    Raises:
        ReservationNotFound: there is none.
    """
    reservation = row_of(reservation_id)
    return Price(amount=reservation.amount, currency=reservation.currency)


def legs(*, reservation_id: UUID) -> dict[str, LegDetails]:
    """Return item id (as text) -> what its provider needs to book it, in the traveller's order.

    Raises:
        ReservationNotFound: there is no such reservation.
    """
    people = Traveller.objects.filter(reservation_id=reservation_id).order_by("position")
    travellers = tuple(_traveller(row) for row in people)
    found = {
        str(item.id): LegDetails(
            item_id=item.id,
            offer_id=item.offer_id,
            provider_id=item.provider_id,
            kind=item.kind,
            amount=item.amount,
            currency=item.currency,
            travellers=travellers,
        )
        for item in Item.objects.filter(reservation_id=reservation_id).order_by("position")
    }
    if not found:  # none is without items
        raise ReservationNotFound(str(reservation_id))
    return found


def refund_quote(*, reservation_id: UUID) -> RefundQuote:
    """Return what comes back, by the policies stored at booking, as of when the cancellation was asked for.

    Raises:
        NotCancelling: nobody has asked for it.
        ReservationNotFound: there is no such reservation.
    """
    found = details(reservation_id=reservation_id)
    if found.cancelling_at is None:
        raise NotCancelling(f"the reservation is {found.status}")
    return found.refund_at(found.cancelling_at)


def _quote(items: Sequence[ItemDetails], at: datetime) -> RefundQuote:
    shares = {
        item.item_id: domain.refund_amount(
            amount=item.amount,
            percent=domain.refund_percent(policy=item.cancellation_policy, at=at),
        )
        for item in items
    }
    return RefundQuote(
        amount=sum(shares.values(), Decimal(0)), currency=items[0].currency, items=shares
    )


def row_of(reservation_id: UUID, *, lock: bool = False) -> Reservation:
    """Return the row, as `standings` does. Raises: ReservationNotFound, there is none."""
    rows = Reservation.objects.filter(pk=reservation_id)
    for row in rows.select_for_update() if lock else rows:
        return row
    raise ReservationNotFound(str(reservation_id))


def summary(row: Reservation) -> ReservationSummary:
    """Return a row as a value."""
    return ReservationSummary(**_summary_fields(row))


def _summary_fields(row: Reservation) -> dict[str, Any]:
    names = set(ReservationSummary.__dataclass_fields__) - {"reservation_id"}
    return {"reservation_id": row.id, **{name: getattr(row, name) for name in names}}


def read(rows: QuerySet[Reservation]) -> list[ReservationDetails]:
    """Read reservations with their items and travellers: three statements, however many there are."""
    parts = [Prefetch(name, model.objects.order_by("position")) for name, model in _PARTS]
    return [
        ReservationDetails(
            **_summary_fields(row),
            held_at=row.held_at,
            released_at=row.released_at,
            cancelling_at=row.cancelling_at,
            refund_quote=row.refund_quote,
            items=tuple(_item(item) for item in row.items.all()),
            travellers=tuple(_traveller(person) for person in row.travellers.all()),
        )
        for row in rows.prefetch_related(*parts)
    ]


_PARTS: Final = (("items", Item), ("travellers", Traveller))


def _item(item: Item) -> ItemDetails:
    names = set(ItemDetails.__dataclass_fields__) - {"item_id"}
    return ItemDetails(item_id=item.id, **{name: getattr(item, name) for name in names})


def _traveller(row: Traveller) -> TravellerDetails:
    names = TravellerDetails.__dataclass_fields__
    return TravellerDetails(**{name: getattr(row, name) for name in names})
