"""Remove what has been over for long: sagas with their calls and histories, never one that is live or parked.

Nor one with a loss that a person accepted: that this was decided is written nowhere else.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from booking.orchestrator import store
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.shape import StepState

logger = logging.getLogger(__name__)

_BEARS_A_LOSS: Final = Exists(
    SagaStep.objects.filter(saga=OuterRef("pk"), state=StepState.ACCEPTED)
)


@dataclass(frozen=True, kw_only=True)
class Purged:
    """How much was (or, asked only, would be) removed; `left` are as old, with an accepted loss."""

    sagas: int
    calls: int
    events: int
    left: int
    before: datetime


def purge(
    *, older_than: timedelta, actor: str, reason: str, chunk: int = 500, dry_run: bool = False
) -> Purged:
    """Remove sagas that ended before `older_than` ago, a chunk in each transaction; who and why is logged.

    The database refuses to delete anything of a saga that is not over, whatever is asked here.
    """
    before = store.now() - older_than
    old = _removable(before)
    found = Purged(
        sagas=old.count(),
        calls=SagaStep.objects.filter(saga__in=old).count(),
        events=SagaEvent.objects.filter(saga__in=old).count(),
        left=SagaInstance.objects.filter(_BEARS_A_LOSS, finished_at__lt=before).count(),
        before=before,
    )
    if not dry_run:
        while _purge_chunk(before, chunk):
            pass
        logger.warning("%s purged %s by %s: %s", __name__, found, actor, reason)
    return found


def _removable(before: datetime) -> QuerySet[SagaInstance]:
    return SagaInstance.objects.filter(~_BEARS_A_LOSS, finished_at__lt=before)


def _purge_chunk(before: datetime, chunk: int) -> int:
    """Remove one chunk, the oldest first; another purge at the same time takes other rows."""
    with transaction.atomic():
        oldest = _removable(before).select_for_update(skip_locked=True).order_by("finished_at")
        ids: list[UUID] = list(oldest.values_list("pk", flat=True)[:chunk])
        SagaEvent.objects.filter(saga_id__in=ids).delete()
        SagaStep.objects.filter(saga_id__in=ids).delete()
        SagaInstance.objects.filter(pk__in=ids).delete()
    return len(ids)
