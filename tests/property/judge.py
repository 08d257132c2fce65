"""What must be true: at every step, and when everything has come to rest. Three books are compared:

our rows, the ledgers of partners and processor, and what the traveller was told.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection

from booking.orchestrator.models import SagaInstance
from booking.orchestrator.shape import Direction
from payments.models import Payment
from providers.models import BOOKED, Order
from reservation.models import Reservation
from tests.property.stage import Stage

FINAL_EVENTS: Final = {
    f"reservation.{word}.v1": word for word in ("confirmed", "failed", "cancelled")
}
CONFIRM, CANCEL = "confirm-reservation", "cancel-reservation"


@dataclass(frozen=True)
class Told:
    """What the traveller was told about cancelling, and the flow that was live then."""

    answer: str
    saga_id: UUID | None


def at_every_step(stage: Stage, reservation_id: UUID) -> None:
    """No order and no capture twice, and exactly one final event for every flow that has ended."""
    for reference, partner in stage.partners.items():
        assert partner.most <= 1, f"double booking of {reference}"
    captures = sum(processor.captures for processor in stage.processors.values())
    undone = sum(processor.undone for processor in stage.processors.values())
    assert captures - undone <= 1, "double charge"
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [reservation_id, str(reservation_id), reservation_id])
        status, ended, types = cursor.fetchone()
    expected = Counter(_tells(name, state) for name, state in ended)
    del expected[""]
    if status == "cancelled" and not expected["cancelled"]:
        expected["cancelled"] += 1  # a draft: closed without a flow
    told = Counter(FINAL_EVENTS[name] for name in types if name in FINAL_EVENTS)
    assert told == +expected, f"events {told}, expected {expected}"


_STANDING: Final = """
SELECT status,
    (SELECT coalesce(array_agg(ARRAY[name, state]), '{}') FROM saga
     WHERE subject_id = %s AND finished_at IS NOT NULL),
    (SELECT coalesce(array_agg(type), '{}') FROM eventbus_outbox WHERE key = o.key)
FROM reservation_reservation AS r, (SELECT %s::text AS key) AS o WHERE r.id = %s
"""
"""The status, how each flow ended, and everything that was told: one statement, as it is asked at every step."""


def _tells(name: str, state: str) -> str:
    """Return the final event of a flow that has ended so."""
    if name == CONFIRM:
        return {"completed": "confirmed"}.get(state, state)
    return "cancelled" if state == "completed" else ""


def at_rest(stage: Stage, reservation_id: UUID, told: list[Told]) -> None:
    """Everything is over, and all books say the same."""
    at_every_step(stage, reservation_id)
    sagas = SagaInstance.objects.filter(subject_id=reservation_id)
    for saga in sagas:
        assert saga.finished_at is not None, f"not over: {saga} {saga.attention_reason}"
        _all_settled(saga)
    row = Reservation.objects.get(pk=reservation_id)
    cancelled = sagas.filter(name=CANCEL, state="completed").exists()
    _legs(stage, row)
    _money(stage, row, refunded=cancelled)
    _answers(told)


def _all_settled(saga: SagaInstance) -> None:
    way = Direction.FORWARD if saga.state == "completed" else Direction.COMPENSATE
    calls = saga.calls.filter(direction=way).exclude(state__in=["done", "accepted"])
    assert not calls.exists(), f"over with open calls: {list(calls)}"


def _legs(stage: Stage, row: Reservation) -> None:
    confirmed = row.status == "confirmed"
    standing = {reference: partner.standing for reference, partner in stage.partners.items()}
    ours = Order.objects.filter(reservation_id=row.pk, status=BOOKED).count()
    if confirmed:
        assert list(standing.values()) == [1] * row.items.count(), standing
        assert ours == row.items.count()
    else:
        assert not any(standing.values()), f"orphan booking: {standing}, {row.status}"
        assert ours == 0


def _money(stage: Stage, row: Reservation, *, refunded: bool) -> None:
    taken = Decimal(0)
    for intent_id, processor in stage.processors.items():
        if processor.state == "captured" and not processor.undone:
            given_back = sum(map(Decimal, stage.refunds[intent_id].values()), Decimal(0))
            taken += row.amount - given_back
        assert processor.state not in {"authorised", "waiting"}, "the authorisation is left"
        _same_as_ours(intent_id, processor.state)
    expected = row.amount if row.status == "confirmed" else Decimal(0)
    expected = row.amount / 2 if refunded else expected
    assert taken == expected, f"{taken} taken, {expected} expected: {row.status}"
    assert not any(p.undone for p in stage.processors.values()), "taken only to be given back"


def _same_as_ours(intent_id: str, state: str) -> None:
    payment = Payment.objects.filter(gateway_payment_id=intent_id).first()
    if payment is None:
        return
    assert bool(payment.captured_amount) is (state == "captured"), f"{payment} and {state}"


def _answers(told: list[Told]) -> None:
    for one in told:
        saga = SagaInstance.objects.filter(pk=one.saga_id).first()
        if saga is None or saga.name == CANCEL:
            continue
        if one.answer == "accepted":
            assert saga.state != "completed", "told that it is cancelled, but it was booked"
        if one.answer == "too late":
            assert saga.state != "cancelled", "told that it is too late, but it was cancelled"


def ends(reservation_id: UUID) -> list[str]:
    """Return how each flow of a reservation ended, for the figures."""
    sagas = SagaInstance.objects.filter(subject_id=reservation_id)
    return [f"{name} {state}" for name, state in sagas.values_list("name", "state")]
