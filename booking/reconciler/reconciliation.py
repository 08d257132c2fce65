"""The second look, and what follows from it: ask about each suspect alone, compare under its lock, put right."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from booking.orchestrator import store
from booking.reconciler import books, putting_right, theirs
from booking.reconciler.comparison import Finding, Ledgers, compare
from booking.reconciler.survey import PROCESSOR, Survey, Window, survey
from payments import services as payments
from providers import services as providers

RECONCILERS: Final = 7_301
"""The class of advisory locks that keep two reconcilers from one reservation."""


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """One discrepancy as a run saw it; `number` is that of its row, None if it was only looked at.

    `remedy` and `reason` are what it comes to, or would with `heal`.
    """

    reservation_id: UUID
    kind: str
    what: str
    remedy: str
    facts: Mapping[str, Any]
    number: int | None = None
    saga_id: UUID | None = None
    reason: str = ""


@dataclass(kw_only=True)
class Report:
    """What a run came to.

    `silent`: who did not show a ledger, and why; `left_alone`: not at rest, or somebody was silent
    about it; `not_reached`: there was no time left for it.
    """

    since: datetime
    until: datetime
    examined: int = 0
    found: list[Discovery] = field(default_factory=list)
    left_alone: list[UUID] = field(default_factory=list)
    not_reached: list[UUID] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)
    taking_back: list[UUID] = field(default_factory=list)


class _Silent(Exception):
    """Somebody does not show what there is of a reservation."""

    def __init__(self, who: Mapping[str, str]) -> None:
        super().__init__(", ".join(who))
        self.who = who


def reconcile(window: Window, *, heal: bool, seconds: float) -> Report:
    """Compare what was done in a window with what we have; with `heal`, note it and put right what is safe.

    Bounded by `seconds` in all, up to the last call; the suspects' order is drawn anew each time, so
    that of more than there is time for none is always the last.
    """
    ends_at = time.monotonic() + seconds
    view = survey(window, now=store.now(), seconds=seconds / 3)
    report = Report(
        since=window.since,
        until=window.until,
        silent=view.silent,
        left_alone=sorted(view.restless),
    )
    suspects = sorted(view.suspects)
    random.shuffle(suspects)
    for reservation_id in suspects:
        left = ends_at - time.monotonic()
        if left <= 0:
            report.not_reached.append(reservation_id)
        elif not _examine(reservation_id, view, report, heal=heal, seconds=left):
            report.left_alone.append(reservation_id)
    report.found.sort(key=lambda found: found.reservation_id)
    return report


def _examine(
    reservation_id: UUID, view: Survey, report: Report, *, heal: bool, seconds: float
) -> bool:
    """Look at one reservation; return whether its sides could be compared."""
    seen = books.at_rest([reservation_id], now=store.now())
    if not seen:
        return False
    try:
        ledgers = _asked_alone(reservation_id, view, min(seconds, settings.SAGA_CALL_SECONDS))
    except _Silent as silence:
        report.silent |= silence.who
        return False
    with transaction.atomic():
        _lock(reservation_id)
        entry = books.read([reservation_id], lock=True)[reservation_id]
        # Whatever began or ended since the other side was asked makes its answer old.
        if books.at_rest([reservation_id], now=store.now()) != seen:
            return False
        findings = compare(entry.books, ledgers)
        report.examined += 1
        if heal:
            _put_right(reservation_id, findings, report)
            return True
    open_ones = putting_right.unsettled(findings)
    report.found += [_discovery(reservation_id, finding) for finding in open_ones]
    return True


def _asked_alone(reservation_id: UUID, view: Survey, seconds: float) -> Ledgers:
    entry = books.read([reservation_id])[reservation_id]
    at_partners = providers.look_up_orders(
        books=entry.orders, listed=view.orders.get(reservation_id, ()), seconds=seconds
    )
    listed = view.paid.get(reservation_id, ())
    at_processor = payments.look_up_payments(
        intent_ids=[payment.intent_id for payment in (*entry.payments, *listed)], seconds=seconds
    )
    silent = dict(at_partners.silent)
    if at_processor.silent:
        silent[PROCESSOR] = at_processor.silent
    if silent:
        raise _Silent(silent)
    told = theirs.ledgers(at_partners.orders, at_processor.payments)
    # Class D: nobody can ask, so there is nothing to compare.
    untold = [
        theirs.our_word(order)
        for order in entry.orders
        if order.booked and order.provider_id not in at_partners.complete
    ]
    return replace(told, orders=(*told.orders, *untold))


def _lock(reservation_id: UUID) -> None:
    """Let one reconciler at a time look at a reservation, also at one that we do not know."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [RECONCILERS, str(reservation_id)]
        )


def _put_right(reservation_id: UUID, findings: tuple[Finding, ...], report: Report) -> None:
    rows = putting_right.note(reservation_id, findings)
    saga_id = putting_right.take_back(reservation_id)
    if saga_id is not None:
        report.taking_back.append(saga_id)
    report.found += [
        Discovery(
            reservation_id=reservation_id,
            kind=row.kind,
            what=row.what,
            remedy=row.remedy,
            facts=row.facts,
            number=row.pk,
            saga_id=saga_id if row.remedy else None,
            reason=row.reason,
        )
        for row in rows
    ]


def _discovery(reservation_id: UUID, finding: Finding) -> Discovery:
    remedy, reason = putting_right.way(finding)
    return Discovery(
        reservation_id=reservation_id,
        kind=finding.kind,
        what=finding.what,
        remedy=remedy,
        facts=finding.facts,
        reason=reason,
    )
