"""What follows from what was found: note it, take back what is safe by a saga, leave the rest to a person."""

import logging
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from booking import discrepancies, tasks
from booking.models import Discrepancy
from booking.orchestrator import control, store
from booking.reconciler.comparison import Finding, Kind, Remedy
from booking.sagas import TAKE_BACK

logger = logging.getLogger(__name__)

CAME_AGAIN: Final = f"taken back {discrepancies.TIMES} times, and there again"
WHY_A_PERSON: Final = {
    Kind.ORPHAN_AT_PARTNER: "nobody here can say that it should not stand",
    Kind.MISSING_AT_PARTNER: "the trip may have to be booked again, or given back",
    Kind.CAPTURED_WITHOUT_CONFIRMED: "the payment is not one that we opened",
    Kind.CONFIRMED_WITHOUT_CAPTURE: "the trip stands, and taking money again is not ours to decide",
    Kind.AUTHORISATION_LEFT: "the payment is not one that we opened",
    Kind.AMOUNT_MISMATCH: "one of the two amounts is wrong",
    Kind.DOUBLE: "it is not sure which of the two should stand",
    Kind.REFUND_MISMATCH: "more or less was given back than we say",
}
"""Why a discrepancy without a remedy waits for a person."""


def unsettled(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Leave out what a person has settled with the same facts."""
    return tuple(
        finding
        for finding in findings
        if not discrepancies.settled_alike(
            kind=finding.kind, what=finding.what, facts=finding.facts
        )
    )


def way(finding: Finding) -> tuple[str, str]:
    """Return what becomes of a finding: (remedy, ""), or ("", why a person must act)."""
    if not finding.remedy:
        return Remedy.NONE.value, WHY_A_PERSON[finding.kind]
    if discrepancies.came_again(what=finding.what, remedy=finding.remedy):
        return Remedy.NONE.value, CAME_AGAIN
    return finding.remedy.value, ""


def note(reservation_id: UUID, findings: tuple[Finding, ...]) -> list[Discrepancy]:
    """Write what was found and is not settled, once, and close what is no longer there; return the open rows.

    To be called under the reservation's lock, with everything that was found.
    """
    now = store.now()
    rows = discrepancies.open_ones().filter(reservation_id=reservation_id)
    known = {(row.kind, row.what): row for row in rows.select_for_update()}
    noted = []
    # Only now that the rows are locked: until then a person can still settle one.
    for finding in unsettled(findings):
        row = known.pop((finding.kind, finding.what), None)
        if row is None:
            row = Discrepancy(reservation_id=reservation_id, found_at=now)
            logger.warning("%s %s of reservation %s", finding.kind, finding.what, reservation_id)
        row.kind, row.what, row.seen_at = finding.kind, finding.what, now
        row.facts, row.target = dict(finding.facts), dict(finding.target)
        row.remedy, row.reason = way(finding)
        # No saga is live here: one that had it is over, and left it open.
        row.saga_id = None
        row.save()
        noted.append(row)
    for row in known.values():
        row.outcome, row.settled_at = discrepancies.VANISHED, now
        row.save()
    return noted


def take_back(reservation_id: UUID) -> UUID | None:
    """Start the saga that takes back what may be taken back; return its id, None if there is nothing.

    Its calls exist from the start, so what they act on is the saga's from the start.
    """
    numbers = [int(number) for number in discrepancies.to_take_back(reservation_id=reservation_id)]
    if not numbers:
        return None
    saga = control.start(TAKE_BACK, subject_id=reservation_id)
    discrepancies.hand_over(reservation_id=reservation_id, numbers=numbers, saga_id=saga.id)
    # A lost message is harmless: the sweeper picks the saga up.
    transaction.on_commit(partial(tasks.dispatch, saga.id), robust=True)
    return saga.id
