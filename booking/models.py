"""What Booking itself keeps: traveller accounts, the answers to repeated requests, what the reconciler found."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep

__all__ = [
    "Account",
    "Discrepancy",
    "IdempotencyRecord",
    "Reconciliation",
    "SagaEvent",
    "SagaInstance",
    "SagaStep",
]


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


OUTCOMES = ("healed", "vanished", "resolved")


class Discrepancy(models.Model):
    """One difference between our books and those of a partner or the card processor.

    Open until it has an `outcome`: "healed" by the saga `saga_id`, "vanished" when a later look found
    both sides agreeing, "resolved" by a person who says how that is known. `remedy` is "" when only a
    person can act, for the `reason`; `facts` are both sides, `target` is what the remedy acts on.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=32)
    reservation_id = models.UUIDField(db_index=True)
    what = models.CharField(max_length=300)
    facts = models.JSONField(default=dict)
    target = models.JSONField(default=dict)
    remedy = models.CharField(max_length=16, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")
    saga_id = models.UUIDField(null=True, blank=True)
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, blank=True, default="")
    actor = models.CharField(max_length=120, blank=True, default="")
    evidence = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "discrepancies"
        constraints = [
            models.UniqueConstraint(
                fields=["reservation_id", "kind", "what"],
                condition=Q(settled_at__isnull=True),
                name="booking_discrepancy_open_once",
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, outcome="")
                | Q(settled_at__isnull=False, outcome__in=OUTCOMES),
                name="booking_discrepancy_settled_has_an_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="resolved") | (~Q(actor="") & ~Q(evidence="")),
                name="booking_discrepancy_resolved_with_evidence",
            ),
            models.CheckConstraint(
                condition=~Q(remedy="") | ~Q(reason=""),
                name="booking_discrepancy_waits_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.what}"


class Reconciliation(models.Model):
    """One run of the reconciler; `silent` names who did not show a ledger, and why."""

    id = models.BigAutoField(primary_key=True)
    full = models.BooleanField()
    since = models.DateTimeField()
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    examined = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    taken_back = models.PositiveIntegerField(default=0)
    silent = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M:%S} ({self.found} found)"
