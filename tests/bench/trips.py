"""Prepare trips with three legs, and confirm them: inside Django, on the gateways that answer at once."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.test import override_settings

from booking import commands, tasks
from booking.orchestrator.models import SagaInstance
from providers import services as providers

KINDS: Final = ("flight", "stay", "car")
SECONDS: Final = 120.0
"""How long one round may take."""


class Prepared:
    """A traveller with reservations that are ready to be confirmed."""

    def __init__(self, *, count: int) -> None:
        """Compose them and enter payment details."""
        self.account_id = commands.register_account(
            email=f"{uuid.uuid4()}@example.com",
            password="correct horse battery staple",
            full_name="Ada Traveller",
        ).account_id
        offers = [_offer(kind) for kind in KINDS]
        self.reservations = [self._reservation(offers) for _ in range(count)]

    def confirm(self, *, count: int) -> list[UUID]:
        """Confirm some without telling the workers; return the sagas."""
        with _untold():
            return [self.confirm_one() for _ in range(count)]

    def confirm_one(self) -> UUID:
        """Confirm one as a request does; return the saga."""
        return commands.confirm_reservation(
            account_id=self.account_id, reservation_id=self.reservations.pop()
        )

    def _reservation(self, offers: Sequence[providers.Offer]) -> UUID:
        reservation_id = commands.compose_reservation(
            account_id=self.account_id,
            offers=offers,
            travellers=[{"given_name": "Ada", "family_name": "Traveller"}],
        )
        commands.enter_payment_details(
            account_id=self.account_id, reservation_id=reservation_id, method="pm_card_visa"
        )
        return reservation_id


def burst(*, count: int) -> float:
    """Start trips at once and return how many a second were confirmed."""
    return burst_of(Prepared(count=count), count=count)


def burst_of(prepared: Prepared, *, count: int) -> float:
    """The same with reservations that are prepared: the clock starts with the first message."""
    sagas = prepared.confirm(count=count)
    started = datetime.now(UTC)
    for saga_id in sagas:
        tasks.dispatch(saga_id)
    ended = max(finished_at for _, finished_at in finished(sagas))
    return count / (ended - started).total_seconds()


def latencies(prepared: Prepared, *, count: int, per_second: float) -> list[float]:
    """Confirm trips one after another at a steady rate; return each one's milliseconds to the end of its saga.

    The end is when the closing transaction took its time: its commit, about a millisecond, is not in it.
    """
    started_at: dict[UUID, datetime] = {}
    first = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, first + number / per_second - time.monotonic()))
        at = datetime.now(UTC)
        started_at[prepared.confirm_one()] = at
    ended = finished(list(started_at))
    return [(at - started_at[saga_id]).total_seconds() * 1000 for saga_id, at in ended]


def finished(sagas: Sequence[UUID]) -> list[tuple[UUID, datetime]]:
    """Wait until all sagas are completed; return each with the time at which it ended.

    Raises:
        TimeoutError: one did not, within the time of a round.
    """
    until = time.monotonic() + SECONDS
    completed = SagaInstance.objects.filter(pk__in=sagas, state="completed")
    while completed.count() < len(sagas):
        if time.monotonic() > until:
            raise TimeoutError(f"{completed.count()} of {len(sagas)} trips are confirmed")
        time.sleep(0.1)
    return [(row[0], row[1]) for row in completed.values_list("id", "finished_at")]


@contextmanager
def _untold() -> Iterator[None]:
    """Let nobody take up what is started now: no message is sent, the sweeper would come in two minutes."""
    with override_settings(SAGA_DISPATCH="drop", SAGA_GRACE_SECONDS=SECONDS):
        yield


def partner_ids() -> dict[str, UUID]:
    """Return kind -> the partner that sells it, adding it the first time."""
    return {
        kind: providers.register_partner(
            slug=f"instant-{kind}",
            name=f"Instant {kind}",
            kind=kind,
            gateway="instant",
            base_url="http://127.0.0.1",
        )
        for kind in KINDS
    }


def _offer(kind: str) -> providers.Offer:
    starts_at = datetime.now(UTC) + timedelta(days=100)
    ends_at = starts_at + timedelta(hours=8)
    return providers.Offer(
        offer_id=f"instant-{kind}:standard",
        provider_id=partner_ids()[kind],
        provider_name=f"Instant {kind}",
        kind=kind,
        product="standard",
        title=f"A {kind}",
        amount=Decimal("120.00"),
        currency="EUR",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        starts_at=starts_at,
        starts_at_local=starts_at.replace(tzinfo=None).isoformat(timespec="minutes"),
        starts_zone="Europe/London",
        ends_at=ends_at,
        ends_at_local=ends_at.replace(tzinfo=None).isoformat(timespec="minutes"),
        ends_zone="Europe/London",
        details={},
        cancellation_policy=[],
    )
