"""Payments to make, and the card processor's own word on what became of them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx

from outbound.call import Call, Original
from payments import services as payments
from sandbox.server import Server

PRICE = {"amount": "423.40", "currency": "EUR"}


def details_of(card: str = "pm_card_visa", *, reservation_id: UUID | None = None) -> UUID:
    """Enter payment details for a reservation of 423.40 EUR; return its id."""
    reservation_id = reservation_id or uuid4()
    payments.enter_payment_details(
        reservation_id=reservation_id,
        account_id=uuid4(),
        amount=Decimal(PRICE["amount"]),
        currency=PRICE["currency"],
        method=card,
    )
    return reservation_id


def a_call(reservation_id: UUID, *, given: Any = PRICE, seconds: float = 5.0) -> Call:
    """Return a call about a reservation's payment."""
    return Call(
        saga_id=uuid4(),
        subject_id=reservation_id,
        step="pay",
        key=f"key-{uuid4()}",
        now=datetime.now(UTC),
        given=given,
        seconds=seconds,
    )


def authorised(card: str = "pm_card_visa") -> UUID:
    """Return a reservation whose price is reserved on a card."""
    reservation_id = details_of(card)
    run(payments.Authorise(), a_call(reservation_id))
    return reservation_id


def captured() -> UUID:
    """Return a reservation that is paid."""
    reservation_id = authorised()
    run(payments.Capture(), a_call(reservation_id))
    return reservation_id


def run(operation: Any, call: Call) -> Any:
    """Run all three phases of an operation; return its answer."""
    answer = operation.call(operation.prepare(call), call)
    operation.record(answer, call)
    return answer


def taking_back(call: Call, request: Any) -> Call:
    """Return the call that compensates another one whose outcome is unknown."""
    original = Original(key=call.key, request=request.__dict__, result=None)
    return Call(**{**call.__dict__, "key": f"{call.key}:void", "original": original})


def status_of(reservation_id: UUID) -> str:
    """Return what we believe."""
    payment = payments.payment_of(reservation_id=reservation_id)
    assert payment is not None
    return payment.status


def ledger(cards: Server, reservation_id: UUID) -> dict[str, Any]:
    """Return what the card processor believes."""
    reference = {"reference": str(reservation_id)}
    found: dict[str, Any] = httpx.get(f"{cards.url}/ledger", params=reference).json()
    return found


def states(cards: Server, reservation_id: UUID) -> list[str]:
    """Return the states of the reservation's payments at the card processor."""
    intents = ledger(cards, reservation_id)["payment_intents"]
    return [intent["status"] for intent in intents]
