"""Partners that can be booked, and the orders they accepted."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from outbound.money import AmountField
from providers.domain import OrderStatus, PartnerKind
from providers.events import LegBooked, LegCancelled, PartnerRegistered

CURRENCY = r"^[A-Z]{3}$"
BOOKED, CANCELLED = OrderStatus.BOOKED.value, OrderStatus.CANCELLED.value


class Partner(models.Model):
    """An airline, hotel or car rental company, and the gateway that speaks to it."""

    id = models.UUIDField(primary_key=True, editable=False)
    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in PartnerKind])
    gateway = models.CharField(max_length=50)
    base_url = models.CharField(max_length=300)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="partner_kind_known", condition=Q(kind__in=[k.value for k in PartnerKind])
            ),
            models.CheckConstraint(name="partner_named", condition=~Q(name="") & ~Q(slug="")),
            models.CheckConstraint(
                name="partner_base_url_is_http", condition=Q(base_url__regex=r"^https?://")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def registered(self) -> PartnerRegistered:
        """Return the event of a partner that was just added."""
        return PartnerRegistered(
            provider_id=self.id, slug=self.slug, name=self.name, kind=self.kind
        )


class Breaker(models.Model):
    """What a partner's failing calls have come to; a partner without a row is healthy.

    `failing`: key of a call -> when it failed last (ISO 8601); open while there is an `open_until`, half-open after it.
    """

    partner = models.OneToOneField(
        Partner, on_delete=models.CASCADE, primary_key=True, related_name="breaker"
    )
    failing = models.JSONField(default=dict)
    rounds = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    open_until = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="breaker_opened_at_iff_open",
                condition=Q(opened_at__isnull=True, open_until__isnull=True)
                | Q(opened_at__isnull=False, open_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner_id} ({'closed' if self.open_until is None else 'open'})"


class Order(models.Model):
    """What a partner accepted for one leg under one key; `amount` in major units.

    A row that is cancelled and has no `partner_reference` says: whatever was sent under this key
    surely does not exist at the partner.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reservation_id = models.UUIDField(db_index=True)
    item_id = models.UUIDField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="orders")
    key = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=[(s.value, s.value) for s in OrderStatus])
    partner_reference = models.CharField(max_length=200, blank=True, default="")
    confirmation_code = models.CharField(max_length=50, blank=True, default="")
    amount = AmountField()
    currency = models.CharField(max_length=3)
    booked_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="order_one_per_key", fields=["key"]),
            models.UniqueConstraint(
                fields=["item_id"],
                condition=Q(status=BOOKED),
                name="order_one_booked_per_item",
            ),
            models.CheckConstraint(
                name="order_status_known", condition=Q(status__in=[s.value for s in OrderStatus])
            ),
            models.CheckConstraint(name="order_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="order_currency_iso", condition=Q(currency__regex=CURRENCY)
            ),
            models.CheckConstraint(
                name="order_booked_with_reference",
                condition=~Q(status=BOOKED)
                | (Q(booked_at__isnull=False) & ~Q(partner_reference="")),
            ),
            models.CheckConstraint(
                name="order_cancelled_at_iff_cancelled",
                condition=Q(status=CANCELLED, cancelled_at__isnull=False)
                | Q(status=BOOKED, cancelled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.status})"

    @staticmethod
    def standing(reservation_id: uuid.UUID) -> dict[uuid.UUID, str]:
        """Return the key of the order that stands for each item.

        Asked for by the trip: the index by item holds booked orders only, and is of no use to a plan for any status.
        """
        orders = Order.objects.filter(reservation_id=reservation_id, status=BOOKED)
        return dict(orders.values_list("item_id", "key"))

    def booked(self) -> LegBooked:
        """Return the event of an order that the partner accepted."""
        return LegBooked(
            reservation_id=self.reservation_id,
            item_id=self.item_id,
            provider_id=self.partner_id,
            confirmation_code=self.confirmation_code,
            amount=self.amount,
            currency=self.currency,
        )

    def cancelled(self) -> LegCancelled:
        """Return the event of an order that was cancelled or surely does not exist."""
        return LegCancelled(
            reservation_id=self.reservation_id,
            item_id=self.item_id,
            provider_id=self.partner_id,
        )
