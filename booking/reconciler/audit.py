"""The answer to "do all books agree?": what a run found, and what is still open of earlier ones."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from booking import discrepancies
from booking.models import Discrepancy
from booking.orchestrator import store
from booking.reconciler.loop import AHEAD, FULL_WINDOW
from booking.reconciler.reconciliation import Discovery, Report, reconcile
from booking.reconciler.survey import Window


def audit(*, since: datetime | None = None, heal: bool = False, seconds: float = 120.0) -> Report:
    """Compare everything since an instant (None: as far as the daily run looks), within about `seconds`.

    Without `heal` nothing is written. `found` then holds what differs now and, of reservations that
    could not be compared, what is still open.
    """
    now = store.now()
    window = Window(since=since or now - FULL_WINDOW, until=now + AHEAD)
    report = reconcile(window, heal=heal, seconds=seconds)
    rows = {_identity(row.reservation_id, row.kind, row.what): row for row in _open_rows()}
    report.found = [_numbered(found, rows) for found in report.found]
    unseen = {*report.left_alone, *report.not_reached}
    report.found += [_of(row) for row in rows.values() if row.reservation_id in unseen]
    return report


def _open_rows() -> list[Discrepancy]:
    return list(discrepancies.open_ones())


def _identity(reservation_id: UUID, kind: str, what: str) -> tuple[UUID, str, str]:
    return reservation_id, str(kind), what


def _numbered(found: Discovery, rows: dict[tuple[UUID, str, str], Discrepancy]) -> Discovery:
    row = rows.get(_identity(found.reservation_id, found.kind, found.what))
    if row is None:
        return found
    return replace(found, number=row.pk, saga_id=found.saga_id or row.saga_id)


def _of(row: Discrepancy) -> Discovery:
    return Discovery(
        reservation_id=row.reservation_id,
        kind=row.kind,
        what=row.what,
        remedy=row.remedy,
        facts=row.facts,
        number=row.pk,
        saga_id=row.saga_id,
        reason=row.reason,
    )
