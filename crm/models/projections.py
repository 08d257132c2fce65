"""Projections: rows derived from Booking's events alone, which a replay can build again.

Events of different keys come in any order, so every row may begin as a placeholder that knows only
its id. Merging is commutative and repeatable: the latest status and the earliest instant win.
"""

from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from crm import domain
from crm.models.choices import TripStatus


class Profile(models.Model):
    """One traveller as CRM knows them; the e-mail is empty until the account is heard of, and once it is erased."""

    account_id = models.UUIDField(primary_key=True)
    email = models.EmailField(blank=True)
    full_name = models.CharField(max_length=200, blank=True)
    locale = models.CharField(max_length=35, blank=True)
    first_seen_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["email"], name="crm_profile_email")]

    def __str__(self) -> str:
        return self.full_name or str(self.account_id)


class Provider(models.Model):
    """One tenant: an airline, hotel or car rental company whose staff work here."""

    provider_id = models.UUIDField(primary_key=True)
    slug = models.SlugField(max_length=100, unique=True, null=True)  # noqa: DJ001 - several placeholders have none
    name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, blank=True)

    class Meta:
        permissions = [("see_all_providers", "Can see the rows of every provider")]

    def __str__(self) -> str:
        return self.name or str(self.provider_id)


class Trip(models.Model):
    """One reservation as CRM heard of it, across providers; never shown as a whole to any of them.

    `status_at` is when the status came to be; the latest wins. `captured_at` is when the money was
    taken.
    """

    reservation_id = models.UUIDField(primary_key=True)
    profile = models.ForeignKey(
        Profile, models.PROTECT, db_column="account_id", null=True, related_name="trips"
    )
    status = models.CharField(
        max_length=20, choices=TripStatus.choices, default=TripStatus.OPEN.value
    )
    status_at = models.DateTimeField(null=True)
    captured_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=TripStatus.values), name="crm_trip_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status=TripStatus.OPEN) | Q(status_at__isnull=False),
                name="crm_trip_final_status_has_its_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reservation_id} {self.status}"

    def become(self, status: TripStatus, *, at: datetime) -> None:
        """Take over a status, unless a later one is known already."""
        if domain.supersedes(status=status, at=at, known=self.status, known_at=self.status_at):
            self.status, self.status_at = status.value, at

    def capture(self, *, at: datetime) -> None:
        """Note when the money was taken, the earliest time that was heard."""
        self.captured_at = min(self.captured_at or at, at)


class TripShare(models.Model):
    """One provider's part of a trip: its price, once the trip was confirmed.

    A share exists only when the provider was asked (an order was booked, refused or cancelled) or
    the trip was confirmed: a draft is nobody's business.
    """

    trip = models.ForeignKey(Trip, models.CASCADE, related_name="shares")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="shares")
    amount = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, blank=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trip", "provider"], name="crm_share_once"),
            models.CheckConstraint(
                condition=Q(amount__isnull=True, currency="", confirmed_at__isnull=True)
                | Q(amount__gte=0, currency__regex=r"^[A-Z]{3}$", confirmed_at__isnull=False),
                name="crm_share_price_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} in {self.trip_id}"

    def price(self, amount: Decimal, *, currency: str, at: datetime) -> None:
        """Note what the part costs, in units of the currency."""
        self.amount, self.currency, self.confirmed_at = amount, currency, at


class Relationship(models.Model):
    """What one provider and one traveller have been through together; figures of their trips."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="relationships")
    profile = models.ForeignKey(
        Profile, models.PROTECT, db_column="account_id", related_name="relationships"
    )
    first_booking_at = models.DateTimeField(null=True)
    last_booking_at = models.DateTimeField(null=True)
    confirmed_trips = models.PositiveIntegerField(default=0)
    cancelled_trips = models.PositiveIntegerField(default=0)
    failed_trips = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "profile"], name="crm_relationship_once"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} and {self.profile_id}"

    @classmethod
    def of(cls, *, provider_id: UUID, account_id: UUID, lock: bool = False) -> Self:
        """Return the relationship; `lock` serialises what is written about this customer.

        Raises:
            CustomerUnknown: the two have no relationship.
        """
        rows = cls.objects.select_related("profile")
        if lock:
            rows = rows.select_for_update(of=("self",))
        try:
            return rows.get(provider_id=provider_id, profile_id=account_id)
        except cls.DoesNotExist as error:
            raise domain.CustomerUnknown(f"There is no customer {account_id}.") from error
