"""One traveller's trips on the sandbox, booked by the winner or by the loser, and what the other side has of them."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

import httpx
from django.db import connection
from django.db.models.functions import Now

from booking.confirmation import confirm_reservation
from booking.orchestrator import engine, store
from eventbus import testing
from eventbus.models import InboxEntry
from examples.comparison import choreographed
from tests.integration.booking.traveller import Traveller

LEGS: Final = {
    "flight": "skyways:standard",
    "stay": "restwell:standard",
    "car": "wheelio:standard",
}
"""Partners that book once for each key, unless a story asks for another."""
STANDING: Final = "confirmed"
PATIENCE: Final = 60
"""Turns, of twenty seconds each by the engine's clock: more than any of these flows needs."""


@dataclass(frozen=True)
class Way:
    """One way of booking a trip: what the command starts, and what the others then do about it."""

    name: str
    confirm: Callable[[UUID, UUID], object]
    go_on: Callable[[UUID], None]


def traveller() -> Traveller:
    """Sign a fresh traveller up."""
    return Traveller(f"{uuid.uuid4().hex}@example.com")


def composed(ada: Traveller, *, card: str = "pm_card_visa", **products: str) -> UUID:
    """Put a trip of three legs together and enter payment details."""
    wanted = LEGS | products
    page = ada.composed(*(_offer(kind, product) for kind, product in wanted.items()), card=card)
    return UUID(page["id"])


@cache
def _offer(kind: str, product: str) -> Any:
    """Search once for each product: what is measured comes after."""
    partner, _, name = product.rpartition(":")
    return traveller().offer(kind=kind, product=name, partner=partner)


def left_behind(reservation_id: UUID) -> str:
    """Say what the partners and the card processor have of a reservation, beside what it says of itself."""
    reference = {"reference": str(reservation_id)}
    found = httpx.get(f"{os.environ['SANDBOX_URL']}/ledger", params=reference).json()
    booked = sum(order["status"] == STANDING for order in found["orders"])
    held = sum(one["status"] == "requires_capture" for one in found["payment_intents"])
    taken = len(found["captures"])
    parts = [
        f"{booked} booked" if booked else "",
        "money held" if held else "",
        "paid" if taken else "",
    ]
    return f"{status(reservation_id)}: {', '.join(filter(None, parts)) or 'nothing'}"


def status(reservation_id: UUID) -> str:
    """Return where the reservation stands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM reservation_reservation WHERE id = %s", [reservation_id])
        return str(cursor.fetchone()[0])


def _orchestrate(reservation_id: UUID) -> None:
    """Be the workers and the sweeper of a saga, until it is over or waits for a person."""
    saga = store.latest_saga_of(reservation_id)
    for _ in range(PATIENCE):
        engine.advance(saga.pk)
        saga.refresh_from_db()
        if saga.finished_at or saga.attention_reason:
            break
        _forward(20)
    _forward(None)


def _forward(seconds: float | None) -> None:
    """Move the engine's clock of this connection ahead; None puts it right again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('booking.clock_offset', true), '')")
        passed = float((cursor.fetchone()[0] or "0").split()[0])
        offset = 0.0 if seconds is None else passed + seconds
        cursor.execute(
            "SELECT set_config('booking.clock_offset', %s, false)", [f"{offset} seconds"]
        )


def _choreograph(reservation_id: UUID) -> None:
    """Be the relay and the consumers, until no event is waiting for another try."""
    testing.deliver(tolerate_failures=True)
    again = InboxEntry.objects.filter(status=InboxEntry.Status.RETRY)
    while again.exists():
        again.update(next_attempt_at=Now())
        testing.deliver(tolerate_failures=True)


def _confirm_without_messages(account_id: UUID, reservation_id: UUID) -> object:
    return confirm_reservation(account_id=account_id, reservation_id=reservation_id)


WINNER: Final = Way("orchestrated", _confirm_without_messages, _orchestrate)
LOSER: Final = Way(
    "choreographed",
    lambda account_id, reservation_id: choreographed.confirm_reservation(
        reservation_id=reservation_id
    ),
    _choreograph,
)
