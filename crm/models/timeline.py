"""The timeline: append-only, one entry for everything that happened between a provider and a traveller."""

import uuid
from datetime import datetime
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from crm import domain
from crm.models.choices import Direction, Kind
from crm.models.owned import Consent, Message, Note
from crm.models.projections import Profile, Provider, TripShare


class Interaction(models.Model):
    """One entry of the timeline.

    Entries with a `source_event_id` are projections: an event makes at most one entry for each
    provider, under an id derived from both, so that a replay writes the very same rows. Entries
    without one record what CRM itself did and are never deleted. The database refuses updates; the
    one exception is to fill in the traveller of an event that did not name its account.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="interactions")
    profile = models.ForeignKey(
        Profile, models.PROTECT, db_column="account_id", null=True, related_name="interactions"
    )
    reservation_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=30, choices=Kind.choices)
    direction = models.CharField(max_length=20, choices=Direction.choices)
    summary = models.CharField(max_length=500)
    occurred_at = models.DateTimeField()
    position = models.BigIntegerField(default=0)
    source_event_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["-occurred_at", "-position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source_event_id", "provider"],
                condition=Q(source_event_id__isnull=False),
                name="crm_interaction_once_per_event",
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="crm_interaction_kind"),
            models.CheckConstraint(
                condition=Q(source_event_id__isnull=False) | Q(profile__isnull=False),
                name="crm_interaction_of_ours_names_its_traveller",
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "profile", "-occurred_at"], name="crm_interaction_timeline"
            ),
            models.Index(
                fields=["reservation_id"],
                condition=Q(profile__isnull=True),
                name="crm_interaction_unattributed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.occurred_at:%Y-%m-%d %H:%M}"

    @classmethod
    def heard(
        cls,
        *,
        provider_id: UUID,
        reservation_id: UUID,
        kind: Kind,
        summary: str,
        event_id: UUID,
        position: int,
        at: datetime,
    ) -> Self:
        """Return an entry about an event, not saved, under an id of its own however often it is heard."""
        return cls(
            id=uuid.uuid5(event_id, str(provider_id)),
            provider_id=provider_id,
            reservation_id=reservation_id,
            kind=kind,
            direction=Direction.INBOUND,
            summary=domain.one_line(summary),
            occurred_at=at,
            position=position,
            source_event_id=event_id,
        )

    @classmethod
    def told(cls, rows: QuerySet["Interaction"]) -> QuerySet["Interaction"]:
        """Leave out what became of trips for which the provider was never asked.

        Another airline's refusal, or a card declined before anybody was asked, is not its business.
        """
        asked = TripShare.objects.filter(
            trip=OuterRef("reservation_id"), provider=OuterRef("provider")
        )
        return rows.filter(Q(reservation_id__isnull=True) | Exists(asked))

    @classmethod
    def ours(
        cls,
        *,
        row: Note | Consent | Message,
        kind: Kind,
        direction: Direction,
        summary: str,
        actor_id: UUID | None = None,
    ) -> None:
        """Add an entry about a row that CRM itself owns."""
        Interaction.objects.create(
            provider_id=row.provider_id,
            profile_id=row.profile_id,
            reservation_id=getattr(row, "reservation_id", None),
            kind=kind,
            direction=direction,
            summary=domain.one_line(summary),
            occurred_at=timezone.now(),
            actor_id=actor_id,
        )
