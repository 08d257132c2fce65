"""Payments, the refunds made on them, and the card processor's messages. No card data."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from eventbus.together import Versioned
from outbound.money import AmountField
from payments.domain import IN_FLIGHT, KEPT, METHOD_TOKEN, TAKEN, PaymentStatus
from payments.events import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
)

CURRENCY = r"^[A-Z]{3}$"
TAKEN_VALUES = sorted(status.value for status in TAKEN)


class IllegalPaymentMove(Exception):
    """A payment was asked to do what its state does not allow."""


class Payment(Versioned):
    """One set of payment details for a reservation; amounts in major units of `currency`.

    The current payment of a reservation is the one that nothing superseded.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reservation_id = models.UUIDField(db_index=True)
    account_id = models.UUIDField()
    amount = AmountField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=100)
    method_brand = models.CharField(max_length=30, blank=True, default="")
    method_last4 = models.CharField(max_length=4, blank=True, default="")
    gateway_payment_id = models.CharField(max_length=200, unique=True)
    status = models.CharField(max_length=16, choices=[(s.value, s.value) for s in PaymentStatus])
    client_action = models.JSONField(null=True, blank=True)
    decline_reason = models.CharField(max_length=100, blank=True, default="")
    authorised_amount = AmountField(default=Decimal(0))
    captured_amount = AmountField(default=Decimal(0))
    refunded_amount = AmountField(default=Decimal(0))
    created_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [BrinIndex(name="payment_created", fields=["created_at"])]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reservation_id"],
                condition=Q(superseded_at__isnull=True),
                name="payment_one_current_per_reservation",
            ),
            models.UniqueConstraint(
                fields=["reservation_id"],
                # What was given back in full is not kept: it may stand beside what was taken later.
                condition=Q(captured_amount__gt=0) & ~Q(status=PaymentStatus.REFUNDED.value),
                name="payment_one_captured_per_reservation",
            ),
            models.CheckConstraint(
                name="payment_status_known",
                condition=Q(status__in=[s.value for s in PaymentStatus]),
            ),
            models.CheckConstraint(name="payment_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="payment_currency_iso", condition=Q(currency__regex=CURRENCY)
            ),
            models.CheckConstraint(
                name="payment_method_is_a_token", condition=Q(method__regex=METHOD_TOKEN)
            ),
            models.CheckConstraint(
                name="payment_authorised_within_amount",
                condition=Q(authorised_amount__gte=0, authorised_amount__lte=F("amount")),
            ),
            models.CheckConstraint(
                name="payment_captured_within_authorised",
                condition=Q(captured_amount__gte=0, captured_amount__lte=F("authorised_amount")),
            ),
            models.CheckConstraint(
                name="payment_refunded_within_captured",
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("captured_amount")),
            ),
            models.CheckConstraint(
                name="payment_captured_iff_taken",
                condition=Q(status__in=TAKEN_VALUES, captured_amount__gt=0)
                | (~Q(status__in=TAKEN_VALUES) & Q(captured_amount=0)),
            ),
            models.CheckConstraint(
                name="payment_last4_is_four_digits",
                condition=Q(method_last4="") | Q(method_last4__regex=r"^[0-9]{4}$"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"

    def supersede(self, *, at: datetime) -> None:
        """Make room for other payment details."""
        if self.status in KEPT:
            raise IllegalPaymentMove(f"{self.status} cannot be superseded")
        self.superseded_at = at

    def begin_authorisation(self) -> None:
        """Lock the payment to the attempt that is about to ask the processor."""
        if self.status not in {PaymentStatus.READY, *IN_FLIGHT}:
            raise IllegalPaymentMove(f"{self.status} cannot be authorised")
        if self.status == PaymentStatus.READY:
            self.status = PaymentStatus.AUTHORISING.value

    def abandon_authorisation(self) -> None:
        """Go back to ready: the attempt never reached the processor."""
        if self.status != PaymentStatus.AUTHORISING:
            raise IllegalPaymentMove(f"{self.status} is not being authorised")
        self.status = PaymentStatus.READY.value

    def wait(self, *, action: dict[str, object]) -> None:
        """Wait for the customer; `action` is what to show."""
        self.status, self.client_action = PaymentStatus.WAITING.value, action

    def authorise(self, *, amount: Decimal) -> PaymentAuthorised:
        """Note that the processor reserved `amount` on the card."""
        self.status, self.client_action = PaymentStatus.AUTHORISED.value, None
        self.authorised_amount = amount
        return PaymentAuthorised(
            reservation_id=self.reservation_id,
            payment_id=self.id,
            amount=amount,
            currency=self.currency,
        )

    def decline(self, *, stage: str, reason: str) -> PaymentDeclined:
        """Note a definite no of the processor; `stage` is authorise or capture."""
        self.status, self.client_action = PaymentStatus.DECLINED.value, None
        self.decline_reason = reason
        return PaymentDeclined(
            reservation_id=self.reservation_id, payment_id=self.id, stage=stage, reason=reason
        )

    def capture(self, *, amount: Decimal) -> PaymentCaptured:
        """Note that the processor took `amount`."""
        self.status, self.client_action = PaymentStatus.CAPTURED.value, None
        self.authorised_amount = max(self.authorised_amount, amount)
        self.captured_amount = amount
        return PaymentCaptured(
            reservation_id=self.reservation_id,
            payment_id=self.id,
            amount=amount,
            currency=self.currency,
        )

    def void(self) -> PaymentVoided:
        """Note that nothing is reserved on the card any more, and nothing was taken."""
        self.status, self.client_action = PaymentStatus.VOIDED.value, None
        return PaymentVoided(reservation_id=self.reservation_id, payment_id=self.id)

    def refund(self, *, amount: Decimal) -> PaymentRefunded:
        """Note that the processor gave `amount` back."""
        self.refunded_amount += amount
        full = self.refunded_amount == self.captured_amount
        self.status = (PaymentStatus.REFUNDED if full else PaymentStatus.PARTLY_REFUNDED).value
        return PaymentRefunded(
            reservation_id=self.reservation_id,
            payment_id=self.id,
            amount=amount,
            currency=self.currency,
        )


class Refund(models.Model):
    """One refund, once per key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    key = models.CharField(max_length=200, unique=True)
    gateway_refund_id = models.CharField(max_length=200, unique=True)
    amount = AmountField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="refund_amount_positive", condition=Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.gateway_refund_id} ({self.amount})"


class WebhookDelivery(models.Model):
    """One message of the card processor, stored before anything is done about it."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.CharField(max_length=200, unique=True)
    type = models.CharField(max_length=100)
    payload = models.JSONField()
    reservation_id = models.UUIDField(null=True, blank=True)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
