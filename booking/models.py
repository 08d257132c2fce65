"""What Booking itself keeps: traveller accounts and the answers to repeated requests."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep

__all__ = ["Account", "IdempotencyRecord", "SagaEvent", "SagaInstance", "SagaStep"]


class Account(models.Model):
    """A traveller; the login behind it belongs to Identity."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="booking_account"
    )
    full_name = models.CharField(max_length=200)
    locale = models.CharField(max_length=35, default="en")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(full_name=""), name="booking_account_full_name_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.full_name


class IdempotencyRecord(models.Model):
    """The answer given to one Idempotency-Key.

    A row without `finished_at` is being worked on by `holder` until `leased_until`; after that another
    request may take it over. A status without `finished_at` is the answer that was committed
    together with the command's effects.
    """

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=80)
    route = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    holder = models.UUIDField()
    leased_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), db_index=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "route", "key"], name="booking_idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(status__isnull=False),
                name="booking_idempotency_finished_has_status",
            ),
            models.CheckConstraint(
                condition=Q(status__isnull=True) | Q(status__gte=200, status__lt=500),
                name="booking_idempotency_no_server_error",
            ),
            models.CheckConstraint(
                condition=Q(leased_until__gte=F("created_at")),
                name="booking_idempotency_lease_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
