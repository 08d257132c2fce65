"""Who did what in the back office, and why."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class AuditEntry(models.Model):
    """One deed; append-only, a trigger refuses every change.

    `actor_id` is empty where nobody was signed in, `target` names what was acted on, `reason` is what
    the person wrote, `detail` what else there is to know.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    actor_id = models.UUIDField(null=True, blank=True)
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=63)
    target = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    detail = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=128, blank=True)

    class Meta:
        verbose_name_plural = "audit log"
        constraints = [
            models.CheckConstraint(
                condition=~Q(actor="") & ~Q(action=""), name="backoffice_audit_says_who_and_what"
            ),
        ]
        indexes = [
            models.Index(name="backoffice_audit_newest", fields=["-at", "-id"]),
            models.Index(name="backoffice_audit_target", fields=["target", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}".strip()
