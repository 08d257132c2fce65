"""The rules of a reservation: its states, their table, what a cancellation gives back. Pure Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, Final


class Status(StrEnum):
    """Where a reservation is in its life."""

    DRAFT = "draft"
    CONFIRMING = "confirming"
    HELD = "held"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class ItemKind(StrEnum):
    """What an item of a trip is."""

    FLIGHT = "flight"
    STAY = "stay"
    CAR = "car"


class TravellerKind(StrEnum):
    """How a provider counts a traveller."""

    ADULT = "adult"
    CHILD = "child"
    INFANT = "infant"


# PostgreSQL holds the same table (migration 0002); a test compares both.
TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    Status.DRAFT: frozenset({Status.CONFIRMING, Status.CANCELLED}),
    Status.CONFIRMING: frozenset({Status.HELD, Status.FAILED, Status.CANCELLED}),
    Status.HELD: frozenset({Status.CONFIRMED, Status.FAILED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset({Status.CANCELLING}),
    Status.FAILED: frozenset({Status.CONFIRMING}),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.CONFIRMED}),
    Status.CANCELLED: frozenset(),
}


OPEN: Final = frozenset({Status.DRAFT, Status.FAILED})
"""Nothing is booked and nobody is booking: who travels and how it is paid can be changed."""


class IllegalTransition(Exception):
    """A reservation was asked to make a move that the table does not have."""


def check_transition(*, current: Status, target: Status) -> None:
    """Let a legal move pass.

    Raises:
        IllegalTransition: the table has no such move.
    """
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(f"{current} -> {target}")


@dataclass(frozen=True, kw_only=True)
class PolicyWindow:
    """Cancelled before this instant, so many percent of the price come back."""

    before: datetime
    refund_percent: int


def windows(policy: Iterable[Mapping[str, Any]]) -> list[PolicyWindow]:
    """Return a stored cancellation policy (`before` in ISO 8601, UTC) in order of time."""
    parsed = (
        PolicyWindow(
            before=datetime.fromisoformat(window["before"]),
            refund_percent=int(window["refund_percent"]),
        )
        for window in policy
    )
    return sorted(parsed, key=lambda window: window.before)


def refund_percent(*, policy: Iterable[Mapping[str, Any]], at: datetime) -> int:
    """Return what comes back in percent: the first window that is still open, after the last 0."""
    return next((window.refund_percent for window in windows(policy) if at < window.before), 0)


def refund_amount(*, amount: Decimal, percent: int) -> Decimal:
    """Return the share of `amount`, in major units, rounded to the amount's own last digit."""
    return (amount * percent / 100).quantize(amount, rounding=ROUND_HALF_UP)
