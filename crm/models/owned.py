"""What CRM itself owns: staff, notes, consent and messages. No replay touches these rows."""

import uuid
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet

from crm import domain
from crm.domain import Choice
from crm.models.choices import Channel, MessageStatus, Purpose, Role
from crm.models.projections import Profile, Provider


class Membership(models.Model):
    """A login that belongs to a provider's staff, and in which role."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="crm_memberships"
    )
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.AGENT.value)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "provider"], name="crm_membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="crm_membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.provider_id}"


class Repeatable:
    """A row that a command makes once, however often it is repeated."""

    was_there = False
    """Whether a command that was repeated found it, rather than made it."""


class Note(Repeatable, models.Model):
    """What an agent wants to remember about a traveller."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="notes")
    profile = models.ForeignKey(
        Profile, models.PROTECT, db_column="account_id", related_name="notes"
    )
    author_id = models.UUIDField()
    text = models.TextField(max_length=4000)
    key = models.CharField(max_length=300, null=True, editable=False)  # noqa: DJ001 - no key is not an empty key
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "key"], name="crm_note_once_per_key"),
        ]
        indexes = [
            models.Index(fields=["provider", "profile", "-created_at"], name="crm_note_newest")
        ]

    def __str__(self) -> str:
        return self.text[:60]


class Consent(models.Model):
    """One entry of the consent ledger: append-only, the latest entry is the traveller's word.

    `basis` is the legal ground (such as consent or legitimate_interest), `evidence` how it is
    known, `source` the way in it came by.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="consents")
    profile = models.ForeignKey(
        Profile, models.PROTECT, db_column="account_id", related_name="consents"
    )
    channel = models.CharField(max_length=20, choices=Channel.choices)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    granted = models.BooleanField()
    basis = models.CharField(max_length=50)
    evidence = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=50)
    recorded_by = models.UUIDField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="crm_consent_channel"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=Purpose.values), name="crm_consent_purpose"
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "profile", "channel", "purpose", "-id"],
                name="crm_consent_latest",
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.purpose} {'granted' if self.granted else 'withdrawn'}"

    @classmethod
    def latest(cls, *, provider_id: UUID, account_id: UUID) -> QuerySet["Consent"]:
        """Return the current view: the last entry for each channel and purpose."""
        return (
            cls.objects.filter(provider=provider_id, profile=account_id)
            .order_by("channel", "purpose", "-id")
            .distinct("channel", "purpose")
        )

    def as_choice(self) -> Choice:
        """Return what was said, without when and by whom it was recorded."""
        return Choice(
            channel=self.channel,
            purpose=self.purpose,
            granted=self.granted,
            basis=self.basis,
            evidence=self.evidence,
        )


class Message(Repeatable, models.Model):
    """One message to a traveller, and how far it has got.

    `key` names the cause (an event and its provider, or a request of the staff): one cause makes
    one message. While it is `sending`, `lease_until` says when another sender may judge the
    attempt lost, and `attempts` is the fence for whoever comes late.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="messages")
    profile = models.ForeignKey(
        Profile, models.PROTECT, db_column="account_id", related_name="messages"
    )
    reservation_id = models.UUIDField(null=True)
    channel = models.CharField(max_length=20, choices=Channel.choices)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    subject = models.CharField(max_length=200)
    body = models.TextField(max_length=20_000)
    author_id = models.UUIDField(null=True)
    key = models.CharField(max_length=300)
    status = models.CharField(
        max_length=20, choices=MessageStatus.choices, default=MessageStatus.QUEUED.value
    )
    reason = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-queued_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "key"], name="crm_message_once_per_key"),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="crm_message_channel"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=Purpose.values), name="crm_message_purpose"
            ),
            models.CheckConstraint(
                condition=Q(status=MessageStatus.QUEUED, due_at__isnull=False, lease_until=None)
                | Q(status=MessageStatus.SENDING, due_at=None, lease_until__isnull=False)
                | Q(
                    status__in=[
                        MessageStatus.SENT,
                        MessageStatus.FAILED,
                        MessageStatus.SUPPRESSED,
                    ],
                    due_at=None,
                    lease_until=None,
                ),
                name="crm_message_cannot_be_forgotten",
            ),
            models.CheckConstraint(
                condition=Q(status=MessageStatus.SENT, sent_at__isnull=False)
                | (~Q(status=MessageStatus.SENT) & Q(sent_at=None)),
                name="crm_message_sent_has_its_instant",
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "profile", "-queued_at"], name="crm_message_newest"),
            models.Index(
                fields=["due_at"], condition=Q(status=MessageStatus.QUEUED), name="crm_message_due"
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(status=MessageStatus.SENDING),
                name="crm_message_leased",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.subject}"

    @classmethod
    def claimable(cls, *, now: datetime) -> QuerySet["Message"]:
        """Return what is due, and what a sender that is gone left behind."""
        return cls.objects.filter(
            Q(status=MessageStatus.QUEUED, due_at__lte=now)
            | Q(status=MessageStatus.SENDING, lease_until__lte=now)
        )

    def claim(self, *, now: datetime, lease: timedelta) -> None:
        """Start an attempt: until the lease ends, nobody else sends this message."""
        self.status, self.attempts = MessageStatus.SENDING.value, self.attempts + 1
        self.due_at, self.lease_until = None, now + lease

    def postpone(self, *, until: datetime, reason: str) -> None:
        """Put it back into the queue."""
        self.status, self.due_at, self.lease_until = MessageStatus.QUEUED.value, until, None
        self.reason = domain.one_line(reason, 200)

    def end(self, status: MessageStatus, *, now: datetime, reason: str = "") -> None:
        """Settle it for good: sent, failed or suppressed."""
        self.status, self.due_at, self.lease_until = status.value, None, None
        self.sent_at = now if status == MessageStatus.SENT else None
        self.reason = domain.one_line(reason, 200)
