"""The reservations of one account: listed, all told, or whether one is under way."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from reservation import itinerary
from reservation.domain import Status
from reservation.models import Reservation

UNDER_WAY: Final = (Status.CONFIRMING, Status.HELD, Status.CANCELLING)


def of_account(
    *,
    account_id: UUID,
    after: tuple[datetime, UUID] | None = None,
    updated_since: datetime | None = None,
    limit: int = 50,
) -> list[itinerary.ReservationSummary]:
    """Return an account's reservations, newest first, or those that changed at an instant or later.

    `after` is (created_at, reservation_id) of the last one that the reader has.
    """
    rows = Reservation.objects.filter(account_id=account_id).order_by("-created_at", "-id")
    if updated_since is not None:
        rows = rows.filter(updated_at__gte=updated_since)
    if after is not None:
        created_at, reservation_id = after
        rows = rows.filter(
            Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=reservation_id)
        )
    return [itinerary.summary(row) for row in rows[:limit]]


def all_details_of(*, account_id: UUID) -> list[itinerary.ReservationDetails]:
    """Return everything about every reservation of an account, oldest first."""
    rows = Reservation.objects.filter(account_id=account_id)
    return itinerary.read(rows.order_by("created_at", "id"))


def is_under_way(*, account_id: UUID) -> bool:
    """Return whether a trip of the account is being booked or cancelled."""
    return Reservation.objects.filter(account_id=account_id, status__in=UNDER_WAY).exists()
