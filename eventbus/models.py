"""The log of record, where every group is in it, and what became of each delivery."""

import uuid
from typing import ClassVar, Final

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, JSONField, Q, Value
from django.db.models.functions import Now

OPEN_STATUSES: Final = ("retry", "parked", "dead")


def new_epoch() -> str:
    """Return a name for one life of a stream in Redis."""
    return uuid.uuid4().hex[:12]


class Stream(models.Model):
    """How far a context's log is numbered (`head`), was appended to Redis (`published`) and was `pruned`.

    `epoch` names the stream's life in Redis; `ended` are earlier lives that Redis is to forget, each
    `[epoch, Unix seconds of its end]`.
    """

    name = models.CharField(max_length=63, primary_key=True)
    head = models.BigIntegerField(default=0)
    published = models.BigIntegerField(default=0)
    pruned = models.BigIntegerField(default=0, db_default=0)
    epoch = models.CharField(max_length=12, default=new_epoch)
    ended = models.JSONField(default=list, db_default=Value([], JSONField()), blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="eventbus_stream_published_within_head",
                condition=Q(published__gte=0, published__lte=F("head")),
            ),
            models.CheckConstraint(
                name="eventbus_stream_keeps_its_last_event",
                condition=Q(pruned=0) | Q(pruned__gt=0, pruned__lt=F("head")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.head}"


class OutboxEntry(models.Model):
    """One event as it was published; `position` is given by the relay, dense per stream."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    stream = models.CharField(max_length=63)
    position = models.BigIntegerField(null=True, blank=True)
    type = models.CharField(max_length=127)
    key = models.CharField(max_length=127)
    data = models.JSONField()
    occurred_at = models.DateTimeField(db_default=Now())
    correlation_id = models.CharField(max_length=128)
    causation_id = models.UUIDField(null=True, blank=True)
    traceparent = models.CharField(max_length=55, blank=True)
    actor = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "eventbus_outbox"
        verbose_name_plural = "outbox entries"
        constraints = [
            models.UniqueConstraint(name="eventbus_outbox_position", fields=["stream", "position"]),
            models.CheckConstraint(
                name="eventbus_outbox_position_positive",
                condition=Q(position__isnull=True) | Q(position__gt=0),
            ),
        ]
        indexes = [
            models.Index(
                name="eventbus_outbox_unnumbered",
                fields=["stream", "id"],
                condition=Q(position__isnull=True),
            ),
            models.Index(
                name="eventbus_outbox_caused_by",
                fields=["causation_id"],
                condition=Q(causation_id__isnull=False),
            ),
            models.Index(name="eventbus_outbox_key", fields=["stream", "key", "position"]),
            BrinIndex(name="eventbus_outbox_occurred", fields=["occurred_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Cursor(models.Model):
    """Up to where a group has dealt with a stream: everything at or before `position`, nothing after it."""

    id = models.BigAutoField(primary_key=True)
    group = models.CharField(max_length=63)
    stream = models.CharField(max_length=63)
    position = models.BigIntegerField(default=0)
    started_from = models.BigIntegerField(default=0)
    paused = models.BooleanField(default=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="eventbus_cursor_place", fields=["group", "stream"]),
            models.CheckConstraint(
                name="eventbus_cursor_not_before_start",
                condition=Q(started_from__gte=0, position__gte=F("started_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group} at {self.stream} {self.position}"


class InboxEntry(models.Model):
    """What became of one event at one handler."""

    class Status(models.TextChoices):
        """`parked` waits behind an earlier event of its key, `dead` waits for a person."""

        DONE = "done"
        RETRY = "retry"
        PARKED = "parked"
        DEAD = "dead"
        SKIPPED = "skipped"

    id = models.BigAutoField(primary_key=True)
    group = models.CharField(max_length=63)
    handler = models.CharField(max_length=200)
    event_id = models.UUIDField()
    stream = models.CharField(max_length=63)
    position = models.BigIntegerField()
    type = models.CharField(max_length=127)
    key = models.CharField(max_length=127)
    ordered = models.BooleanField(default=True)
    status = models.CharField(max_length=7, choices=Status)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    duration_ms = models.FloatField(null=True, blank=True)
    received_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        db_table = "eventbus_inbox"
        verbose_name_plural = "inbox entries"
        constraints = [
            models.UniqueConstraint(
                name="eventbus_inbox_once", fields=["event_id", "group", "handler"]
            ),
            models.CheckConstraint(
                name="eventbus_inbox_status_known",
                condition=Q(status__in=["done", "retry", "parked", "dead", "skipped"]),
            ),
            models.CheckConstraint(
                name="eventbus_inbox_retry_has_a_time",
                condition=(
                    Q(status="retry", next_attempt_at__isnull=False)
                    | (~Q(status="retry") & Q(next_attempt_at__isnull=True))
                ),
            ),
            models.CheckConstraint(
                name="eventbus_inbox_dead_has_an_error",
                condition=~Q(status="dead") | ~Q(error=""),
            ),
            models.CheckConstraint(
                name="eventbus_inbox_skipped_by_someone_for_a_reason",
                condition=~Q(status="skipped") | (~Q(resolved_by="") & ~Q(reason="")),
            ),
            models.CheckConstraint(
                name="eventbus_inbox_only_ordered_is_parked",
                condition=~Q(status="parked") | Q(ordered=True),
            ),
        ]
        indexes = [
            models.Index(
                name="eventbus_inbox_due",
                fields=["group", "stream", "next_attempt_at"],
                condition=Q(status="retry"),
            ),
            models.Index(
                name="eventbus_inbox_blocking",
                fields=["group", "stream", "key", "position"],
                condition=Q(status__in=OPEN_STATUSES),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handler} {self.status} {self.event_id}"


class Heartbeat(models.Model):
    """A sign of life of a relay or consumer process, readable while Redis is down."""

    RELAY: ClassVar[str] = "relay"
    CONSUMER: ClassVar[str] = "consumer"

    name = models.CharField(max_length=200, primary_key=True)
    kind = models.CharField(max_length=20)
    beat_at = models.DateTimeField(db_default=Now())
    info = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return self.name
