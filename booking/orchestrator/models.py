"""The engine's three tables. Their constraints make a stuck or contradictory saga unrepresentable."""

from uuid import uuid4

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from booking.orchestrator.shape import FINAL, SETTLED, Direction, SagaState, StepState
from outbound.call import Idempotency

_FINAL = sorted(FINAL)
_TURNED_BACK = [s.value for s in (SagaState.COMPENSATING, SagaState.FAILED, SagaState.CANCELLED)]
_SETTLED = sorted(state.value for state in SETTLED)


class SagaInstance(models.Model):
    """One run of a saga about one subject, on its own snapshot of the plan."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    plan = models.JSONField()
    subject_id = models.UUIDField()
    state = models.CharField(max_length=16, default=SagaState.RUNNING)
    reason = models.CharField(max_length=120, blank=True, default="")
    epoch = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField()
    dispatches = models.PositiveIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    attention_reason = models.TextField(null=True, blank=True)  # noqa: DJ001 - null means "not parked"
    correlation_id = models.CharField(max_length=200, blank=True, default="")
    traceparent = models.CharField(max_length=60, blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "saga"
        verbose_name = "saga"
        constraints = [
            models.CheckConstraint(
                name="saga_state_known", condition=Q(state__in=[state.value for state in SagaState])
            ),
            models.CheckConstraint(
                name="saga_live_is_due_or_parked",
                condition=Q(state__in=_FINAL, due_at=None, attention_reason=None)
                | (
                    ~Q(state__in=_FINAL)
                    & (
                        Q(due_at__isnull=False, attention_reason__isnull=True)
                        | Q(due_at__isnull=True, attention_reason__isnull=False)
                    )
                ),
            ),
            models.CheckConstraint(
                name="saga_final_has_an_end",
                condition=Q(state__in=_FINAL, finished_at__isnull=False)
                | (~Q(state__in=_FINAL) & Q(finished_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="saga_parked_says_why",
                condition=Q(attention_reason__isnull=True) | ~Q(attention_reason=""),
            ),
            models.CheckConstraint(
                name="saga_turned_back_says_why",
                condition=~Q(state__in=_TURNED_BACK) | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="saga_cancelled_was_asked_for",
                condition=~Q(state=SagaState.CANCELLED.value)
                | Q(cancel_requested_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="saga_one_live_per_subject",
                fields=["subject_id"],
                condition=~Q(state__in=_FINAL),
            ),
        ]
        indexes = [
            models.Index(name="saga_due", fields=["due_at"], condition=Q(due_at__isnull=False)),
            models.Index(name="saga_subject", fields=["subject_id", "created_at"]),
            BrinIndex(name="saga_created", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.id} ({self.state})"


class SagaStep(models.Model):
    """One call: of a step, for an item, in a direction."""

    # Its index is the one of `saga_step_one_call`, which begins with it.
    saga = models.ForeignKey(
        SagaInstance, on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    step = models.CharField(max_length=64)
    item = models.CharField(max_length=64, blank=True, default="")
    direction = models.CharField(max_length=16, default=Direction.FORWARD)
    state = models.CharField(max_length=16, default=StepState.PENDING)
    attempt = models.PositiveIntegerField(default=1)
    tries = models.PositiveIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    ambiguous = models.BooleanField(default=False)
    spent = models.BooleanField(default=False)  # an error was answered under this key
    key = models.CharField(max_length=200)
    due_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    wait_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    idempotency = models.CharField(max_length=1, blank=True, default="")
    quiet_seconds = models.FloatField(default=0)
    given = models.JSONField(default=dict)
    request = models.JSONField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    action = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=120, blank=True, default="")
    error = models.TextField(blank=True, default="")

    class Meta:
        db_table = "saga_step"
        verbose_name = "saga step"
        constraints = [
            models.UniqueConstraint(name="saga_step_one_key", fields=["key"]),
            models.UniqueConstraint(
                name="saga_step_one_call", fields=["saga", "step", "item", "direction"]
            ),
            models.CheckConstraint(
                name="saga_step_state_known",
                condition=Q(state__in=[state.value for state in StepState]),
            ),
            models.CheckConstraint(
                name="saga_step_direction_known",
                condition=Q(direction__in=[direction.value for direction in Direction]),
            ),
            models.CheckConstraint(
                name="saga_step_class_known",
                condition=Q(idempotency__in=["", *(letter.value for letter in Idempotency)]),
            ),
            models.CheckConstraint(
                name="saga_step_attempts_count_from_one", condition=Q(attempt__gte=1)
            ),
            models.CheckConstraint(
                name="saga_step_settled_is_not_due",
                condition=~Q(state__in=_SETTLED) | Q(due_at__isnull=True),
            ),
            models.CheckConstraint(
                name="saga_step_claimed_has_a_lease",
                condition=Q(state=StepState.CLAIMED, lease_until__isnull=False)
                | (~Q(state=StepState.CLAIMED) & Q(lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="saga_step_waiting_ends",
                condition=~Q(state=StepState.WAITING) | Q(wait_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.step} {self.item} ({self.state})"


class SagaEvent(models.Model):
    """What happened to a saga, append-only: what every timeline shows."""

    # Its index is `saga_event_of`, which begins with it.
    saga = models.ForeignKey(
        SagaInstance, on_delete=models.CASCADE, related_name="history", db_index=False
    )
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    step = models.CharField(max_length=64, blank=True, default="")
    item = models.CharField(max_length=64, blank=True, default="")
    direction = models.CharField(max_length=16, blank=True, default="")
    attempt = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    detail = models.JSONField(default=dict)
    actor = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        db_table = "saga_event"
        verbose_name = "saga event"
        ordering = [F("id").asc()]
        indexes = [models.Index(name="saga_event_of", fields=["saga", "id"])]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.kind} {self.step} {self.item}"
