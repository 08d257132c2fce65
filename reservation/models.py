"""A reservation with its items and travellers. Every transition guards itself."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from eventbus.together import Versioned
from outbound.money import AmountField
from reservation import domain
from reservation.domain import ItemKind, Status, TravellerKind
from reservation.events import (
    Leg,
    ReservationCancelled,
    ReservationComposed,
    ReservationConfirmed,
    ReservationFailed,
)

CURRENCY = r"^[A-Z]{3}$"
DRAFT, HELD, FAILED, CANCELLED = (
    status.value for status in (Status.DRAFT, Status.HELD, Status.FAILED, Status.CANCELLED)
)
AFTER_CONFIRMATION = (Status.CONFIRMED.value, Status.CANCELLING.value)


def _values(values: type[Status | ItemKind | TravellerKind]) -> list[str]:
    return [value.value for value in values]


def _choices(values: type[Status | ItemKind | TravellerKind]) -> list[tuple[str, str]]:
    return [(value.value, value.value) for value in values]


class Reservation(Versioned):
    """A trip that a traveller put together; `amount` in major units of `currency`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account_id = models.UUIDField()
    status = models.CharField(max_length=16, choices=_choices(Status), default=DRAFT)
    amount = AmountField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()
    # A trigger sets it at every change, so that whoever asks `updated_since` misses none.
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    held_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    failure_reason = models.CharField(max_length=100, blank=True, default="")
    cancellation_reason = models.CharField(max_length=100, blank=True, default="")
    cancelling_at = models.DateTimeField(null=True, blank=True)
    refund_quote: "models.DecimalField[Decimal | None, Decimal | None]" = AmountField(  # type: ignore[assignment, misc]  # unfit for null
        null=True, blank=True
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(
                "account_id", F("created_at").desc(), F("id").desc(), name="reservation_of_account"
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reservation_status_known", condition=Q(status__in=_values(Status))
            ),
            models.CheckConstraint(name="reservation_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="reservation_currency_iso", condition=Q(currency__regex=CURRENCY)
            ),
            models.CheckConstraint(
                name="reservation_confirmed_at_iff_confirmed",
                condition=Q(status__in=AFTER_CONFIRMATION, confirmed_at__isnull=False)
                | Q(status=CANCELLED)
                | (~Q(status__in=[*AFTER_CONFIRMATION, CANCELLED]) & Q(confirmed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="reservation_failed_with_reason",
                condition=(Q(status=FAILED, failed_at__isnull=False) & ~Q(failure_reason=""))
                | (~Q(status=FAILED) & Q(failed_at__isnull=True, failure_reason="")),
            ),
            models.CheckConstraint(
                name="reservation_cancelled_at_iff_cancelled",
                condition=Q(status=CANCELLED, cancelled_at__isnull=False)
                | (~Q(status=CANCELLED) & Q(cancelled_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="reservation_held_at_when_held",
                condition=~Q(status__in=[HELD, *AFTER_CONFIRMATION]) | Q(held_at__isnull=False),
            ),
            models.CheckConstraint(
                name="reservation_quote_within_amount",
                condition=Q(refund_quote__isnull=True)
                | Q(
                    cancelling_at__isnull=False, refund_quote__gte=0, refund_quote__lte=F("amount")
                ),
            ),
            models.CheckConstraint(
                name="reservation_released_is_not_confirmed",
                condition=~Q(status__in=AFTER_CONFIRMATION) | Q(released_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Return the items as the events tell them, in the traveller's order."""
        return tuple(item.leg for item in self.items.order_by("position"))

    @property
    def provider_ids(self) -> tuple[uuid.UUID, ...]:
        """Return the providers of the trip, each once, in the traveller's order."""
        return tuple(dict.fromkeys(leg.provider_id for leg in self.legs))

    def composed(self) -> ReservationComposed:
        """Return the event of a reservation that was just put together."""
        return ReservationComposed(
            reservation_id=self.id,
            account_id=self.account_id,
            amount=self.amount,
            currency=self.currency,
            legs=self.legs,
        )

    def begin_confirmation(self) -> None:
        """Hand the reservation to the saga; a second attempt forgets why the first one failed."""
        self._move(Status.CONFIRMING)
        self.failed_at = self.held_at = self.released_at = None
        self.failure_reason = ""

    def hold(self, *, at: datetime) -> None:
        """Hold the offers."""
        self._move(Status.HELD)
        self.held_at, self.released_at = at, None

    def release(self, *, at: datetime) -> None:
        """Give the hold back; the state moves when the saga closes."""
        if self.status not in {Status.CONFIRMING, Status.HELD}:
            raise domain.IllegalTransition(f"{self.status} cannot be released")
        self.released_at = at

    def confirm(self, *, at: datetime) -> ReservationConfirmed:
        """Close the trip: every provider said yes and the money is captured."""
        if self.released_at is not None:
            raise domain.IllegalTransition("a released hold cannot be confirmed")
        self._move(Status.CONFIRMED)
        self.confirmed_at = at
        return ReservationConfirmed(
            reservation_id=self.id,
            account_id=self.account_id,
            amount=self.amount,
            currency=self.currency,
            confirmed_at=at,
            legs=self.legs,
        )

    def fail(self, *, reason: str, at: datetime) -> ReservationFailed:
        """Close an attempt that could not be booked; `reason` is a stable code."""
        self._move(Status.FAILED)
        self.failed_at, self.failure_reason = at, reason
        return ReservationFailed(
            reservation_id=self.id,
            account_id=self.account_id,
            provider_ids=self.provider_ids,
            reason=reason,
            failed_at=at,
        )

    def begin_cancellation(self, *, at: datetime) -> None:
        """Hand a confirmed reservation to the cancellation saga; what comes back is fixed from here on."""
        self._move(Status.CANCELLING)
        self.cancelling_at = at

    def quote(self, amount: Decimal | None) -> None:
        """Keep, or (None) forget, what comes back of the price."""
        if self.status != Status.CANCELLING:
            raise domain.IllegalTransition(f"{self.status} is not being cancelled")
        self.refund_quote = amount

    def keep(self) -> None:
        """Go back to confirmed: nothing was cancelled after all."""
        if self.status != Status.CANCELLING:
            raise domain.IllegalTransition(f"{self.status} is not being cancelled")
        self._move(Status.CONFIRMED)
        self.cancelling_at = self.refund_quote = None

    def cancel(self, *, reason: str, at: datetime) -> ReservationCancelled:
        """Close the reservation; `reason` is a stable code."""
        self._move(Status.CANCELLED)
        self.cancelled_at, self.cancellation_reason = at, reason
        return ReservationCancelled(
            reservation_id=self.id,
            account_id=self.account_id,
            provider_ids=self.provider_ids,
            reason=reason,
            cancelled_at=at,
        )

    def _move(self, target: Status) -> None:
        domain.check_transition(current=Status(self.status), target=target)
        self.status = target.value


class Item(models.Model):
    """The snapshot of one offer; PostgreSQL refuses to change or delete it (migration 0002)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=_choices(ItemKind))
    provider_id = models.UUIDField()
    offer_id = models.CharField(max_length=200)
    title = models.CharField(max_length=300)
    amount = AmountField()
    currency = models.CharField(max_length=3)
    expires_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    starts_at_local = models.CharField(max_length=19)
    starts_zone = models.CharField(max_length=64)
    ends_at = models.DateTimeField()
    ends_at_local = models.CharField(max_length=19)
    ends_zone = models.CharField(max_length=64)
    details = models.JSONField(default=dict)
    cancellation_policy = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reservation", "position"], name="item_position_once"),
            models.CheckConstraint(name="item_kind_known", condition=Q(kind__in=_values(ItemKind))),
            models.CheckConstraint(name="item_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="item_currency_iso", condition=Q(currency__regex=CURRENCY)),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def leg(self) -> Leg:
        """Return the item as the events tell it."""
        return Leg(
            item_id=self.id,
            provider_id=self.provider_id,
            kind=self.kind,
            title=self.title,
            amount=self.amount,
            starts_at=self.starts_at,
            starts_at_local=self.starts_at_local,
            starts_zone=self.starts_zone,
        )


class Traveller(models.Model):
    """Who travels; providers ask for the names."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="travellers"
    )
    position = models.PositiveSmallIntegerField()
    given_name = models.CharField(max_length=100)
    family_name = models.CharField(max_length=100)
    born_on = models.DateField(null=True, blank=True)
    kind = models.CharField(
        max_length=8, choices=_choices(TravellerKind), default=TravellerKind.ADULT.value
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reservation", "position"], name="traveller_position_once"
            ),
            models.CheckConstraint(
                name="traveller_kind_known", condition=Q(kind__in=_values(TravellerKind))
            ),
            models.CheckConstraint(
                name="traveller_named", condition=~Q(given_name="") & ~Q(family_name="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}"
