"""What a provider's staff may see. Every question names the provider; nothing is answered across them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from crm.domain import Money
from crm.models import (
    Consent,
    Interaction,
    Membership,
    Message,
    Note,
    Profile,
    Provider,
    Relationship,
    Role,
    TripShare,
    TripStatus,
)

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def memberships_of(*, user_id: UUID) -> QuerySet[Membership]:
    """Return where a login works, and as what."""
    return Membership.objects.filter(user=user_id).select_related("provider").order_by("id")


def providers_of(*, user_id: UUID, writing: bool = False) -> QuerySet[Provider]:
    """Return the providers whose rows a login may see or, with `writing`, add to."""
    memberships = Membership.objects.filter(user=user_id)
    if writing:
        memberships = memberships.exclude(role=Role.READ_ONLY)
    return Provider.objects.filter(provider_id__in=memberships.values("provider"))


def customers_of(*, provider_id: UUID, search: str = "") -> QuerySet[Relationship]:
    """Return the provider's customers with their profiles; `recent_at` is what to sort them by.

    `search` is a part of the e-mail address or of the name.
    """
    rows = Relationship.objects.filter(provider=provider_id).select_related("profile")
    if search:
        rows = rows.filter(
            Q(profile__email__icontains=search) | Q(profile__full_name__icontains=search)
        )
    return rows.annotate(recent_at=Coalesce("last_booking_at", Value(_NEVER)))


def relationship(*, provider_id: UUID, account_id: UUID) -> Relationship:
    """Return one customer of the provider.

    Raises:
        CustomerUnknown: not a customer of this provider.
    """
    return Relationship.of(provider_id=provider_id, account_id=account_id)


def profile(*, provider_id: UUID, account_id: UUID) -> Profile:
    """Return who a customer of the provider is.

    Raises:
        CustomerUnknown: not a customer of this provider.
    """
    return relationship(provider_id=provider_id, account_id=account_id).profile


def lifetime_values(*, provider_id: UUID, account_ids: Iterable[UUID]) -> dict[UUID, list[Money]]:
    """Return account -> what its confirmed and paid trips brought to the provider, per currency."""
    sums = (
        TripShare.objects.filter(
            provider=provider_id,
            trip__profile__in=account_ids,
            trip__status=TripStatus.CONFIRMED,
            trip__captured_at__isnull=False,
            amount__isnull=False,
        )
        .values("trip__profile_id", "currency")
        .annotate(total=Sum("amount"))
        .order_by("currency")
    )
    values: dict[UUID, list[Money]] = {}
    for row in sums:
        money = Money(amount=row["total"], currency=row["currency"])
        values.setdefault(row["trip__profile_id"], []).append(money)
    return values


def timeline(*, provider_id: UUID, account_id: UUID) -> QuerySet[Interaction]:
    """Return what happened between the two, newest first.

    Raises:
        CustomerUnknown: not a customer of this provider.
    """
    relationship(provider_id=provider_id, account_id=account_id)
    return Interaction.told(Interaction.objects.filter(provider=provider_id, profile=account_id))


def preferences(*, provider_id: UUID, account_id: UUID) -> QuerySet[Consent]:
    """Return the traveller's latest word for each channel and purpose.

    Raises:
        CustomerUnknown: not a customer of this provider.
    """
    relationship(provider_id=provider_id, account_id=account_id)
    return Consent.latest(provider_id=provider_id, account_id=account_id)


def notes(*, provider_id: UUID, account_id: UUID) -> QuerySet[Note]:
    """Return the provider's notes about a customer, newest first.

    Raises:
        CustomerUnknown: not a customer of this provider.
    """
    relationship(provider_id=provider_id, account_id=account_id)
    return Note.objects.filter(provider=provider_id, profile=account_id)


def messages(*, provider_id: UUID, account_id: UUID) -> QuerySet[Message]:
    """Return the provider's messages to a customer, newest first.

    Raises:
        CustomerUnknown: not a customer of this provider.
    """
    relationship(provider_id=provider_id, account_id=account_id)
    return Message.objects.filter(provider=provider_id, profile=account_id)
