"""The books of the reconciler: what it found, what a saga takes back, what a person settled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from booking.models import OUTCOMES, Discrepancy, SagaEvent, SagaStep
from booking.orchestrator.shape import StepState
from booking.orchestrator.store import now as clock
from outbound.call import Call

HEALED, VANISHED, RESOLVED = OUTCOMES
TIMES: Final = 3
"""What was taken back so often and came again waits for a person."""


class DiscrepancyNotOpen(Exception):
    """There is no such discrepancy, or it is settled."""

    code = "discrepancy_not_open"


class BeingTakenBack(Exception):
    """A saga takes it back, or is about to: settle the saga's call, or cancel the saga, instead."""

    code = "discrepancy_being_taken_back"


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """The numbers of the discrepancies that a saga takes back."""

    numbers: tuple[int, ...]


def open_ones() -> QuerySet[Discrepancy]:
    """Return what is not settled, oldest first."""
    return Discrepancy.objects.filter(settled_at=None).order_by("id")


def to_take_back(*, reservation_id: UUID, remedy: str = "") -> dict[str, Mapping[str, Any]]:
    """Return number (as text) -> what a remedy acts on; every remedy if none is named."""
    rows = open_ones().filter(reservation_id=reservation_id, saga_id=None).exclude(remedy="")
    if remedy:
        rows = rows.filter(remedy=remedy)
    return {str(row.pk): row.target for row in rows}


def settled_alike(*, kind: str, what: str, facts: Mapping[str, Any]) -> bool:
    """Tell whether a person has settled the same discrepancy with the same facts before."""
    rows = Discrepancy.objects.filter(kind=kind, what=what, outcome=RESOLVED)
    return any(row.facts == facts for row in rows)


def came_again(*, what: str, remedy: str) -> bool:
    """Tell whether something was taken back so often that doing it again is no cure."""
    rows = Discrepancy.objects.filter(what=what, remedy=remedy, outcome=HEALED)
    return rows.count() >= TIMES


def settle_by_hand(*, number: int, actor: str, evidence: str) -> None:
    """Settle what waits for a person; `evidence` says how that is known (a ticket, a partner's answer).

    Raises:
        DiscrepancyNotOpen: there is none of this number that is open.
        BeingTakenBack: a saga is at it.
    """
    with transaction.atomic():
        row = open_ones().select_for_update().filter(pk=number).first()
        if row is None:
            raise DiscrepancyNotOpen(f"no discrepancy {number} is open")
        if row.saga_id is not None:
            raise BeingTakenBack(f"saga {row.saga_id} takes it back; retry, resolve or cancel that")
        row.outcome, row.settled_at = RESOLVED, clock()
        row.actor, row.evidence = actor[:120], evidence
        row.save()


def hand_over(*, reservation_id: UUID, numbers: Iterable[int], saga_id: UUID) -> None:
    """Give discrepancies to the saga that takes them back: from now on nobody settles them beside it."""
    open_ones().filter(reservation_id=reservation_id, pk__in=numbers).update(saga_id=saga_id)


def release(*, reservation_id: UUID, reason: str, at: datetime) -> None:
    """Let go of what a saga did not come to take back: the next look starts another."""
    open_ones().filter(reservation_id=reservation_id).update(saga_id=None)


class Claim:
    """Go past the point of no return with the discrepancies of `call.given`; they are the saga's since its start."""

    def apply(self, call: Call) -> None:
        """Put the saga's name on them, again."""
        numbers = call.given["numbers"]
        hand_over(reservation_id=call.subject_id, numbers=numbers, saga_id=call.saga_id)


class Settle:
    """Close what a saga has taken back."""

    def apply(self, call: Call) -> None:
        """Note that each is healed, or, where a person bore the loss, who did and why."""
        borne = SagaStep.objects.filter(saga_id=call.saga_id, state=StepState.ACCEPTED)
        words = {
            event.item: event
            for event in SagaEvent.objects.filter(saga_id=call.saga_id, kind="resolved")
        }
        accepted = set(borne.values_list("item", flat=True))
        for row in open_ones().filter(saga_id=call.saga_id).select_for_update():
            row.outcome, row.settled_at = HEALED, call.now
            if str(row.pk) in accepted:
                said = words[str(row.pk)]
                row.outcome, row.actor = RESOLVED, said.actor or "unknown"
                row.evidence = str(said.detail.get("evidence") or "no evidence was given")
            row.save()
