"""Remove what has been over for long: sagas with their calls and histories, never one that is live or parked."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from booking.orchestrator import store
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Purged:
    """How much was (or, asked only, would be) removed."""

    sagas: int
    calls: int
    events: int
    before: datetime


def purge(
    *, older_than: timedelta, actor: str, reason: str, chunk: int = 500, dry_run: bool = False
) -> Purged:
    """Remove sagas that ended before `older_than` ago, a chunk in each transaction; who and why is logged.

    The database refuses to delete anything of a saga that is not over, whatever is asked here.
    """
    before = store.now() - older_than
    old = SagaInstance.objects.filter(finished_at__lt=before)
    found = Purged(
        sagas=old.count(),
        calls=SagaStep.objects.filter(saga__in=old).count(),
        events=SagaEvent.objects.filter(saga__in=old).count(),
        before=before,
    )
    if not dry_run:
        while _purge_chunk(before, chunk):
            pass
        logger.warning("%s purged %s by %s: %s", __name__, found, actor, reason)
    return found


def _purge_chunk(before: datetime, chunk: int) -> int:
    """Remove one chunk, the oldest first; another purge at the same time takes other rows."""
    with transaction.atomic():
        oldest = SagaInstance.objects.select_for_update(skip_locked=True)
        oldest = oldest.filter(finished_at__lt=before).order_by("finished_at")
        ids: list[UUID] = list(oldest.values_list("pk", flat=True)[:chunk])
        SagaEvent.objects.filter(saga_id__in=ids).delete()
        SagaStep.objects.filter(saga_id__in=ids).delete()
        SagaInstance.objects.filter(pk__in=ids).delete()
    return len(ids)
