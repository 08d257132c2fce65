"""Reservations for tests: fixed values, put together through the service's own door."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from outbound.call import Call
from reservation import services as reservation

NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)
ACCOUNT_ID = uuid4()


def an_item(**changes: Any) -> reservation.NewItem:
    """Return a flight of 123.40 EUR that can be booked for half an hour."""
    described: dict[str, Any] = {
        "kind": "flight",
        "provider_id": UUID(int=1),
        "offer_id": "skyways:off_1",
        "title": "SW101 London - New York",
        "amount": Decimal("123.40"),
        "currency": "EUR",
        "expires_at": NOW + timedelta(minutes=30),
        "starts_at": NOW + timedelta(days=60),
        "starts_at_local": "2027-03-05T12:00:00",
        "starts_zone": "Europe/London",
        "ends_at": NOW + timedelta(days=60, hours=8),
        "ends_at_local": "2027-03-05T15:00:00",
        "ends_zone": "America/New_York",
        "cancellation_policy": [
            {"before": (NOW + timedelta(days=59)).isoformat(), "refund_percent": 50}
        ],
    }
    return reservation.NewItem(**(described | changes))


def a_traveller(**changes: Any) -> reservation.NewTraveller:
    """Return a grown-up."""
    return reservation.NewTraveller(**({"given_name": "Ada", "family_name": "Byron"} | changes))


def a_draft(*items: reservation.NewItem) -> UUID:
    """Return the id of a draft; a flight and a stay unless told otherwise."""
    stay = an_item(kind="stay", provider_id=UUID(int=2), amount=Decimal("300.00"), title="Hotel")
    return reservation.compose(
        account_id=ACCOUNT_ID, items=items or (an_item(), stay), travellers=[a_traveller()], at=NOW
    )


def a_call(reservation_id: UUID, *, now: datetime = NOW) -> Call:
    """Return the call of a saga's step."""
    return Call(saga_id=uuid4(), subject_id=reservation_id, step="hold", key="k", now=now)


def a_held_reservation() -> UUID:
    """Return the id of a reservation that is being confirmed and held."""
    reservation_id = a_draft()
    reservation.begin_confirmation(reservation_id=reservation_id, at=NOW)
    reservation.Hold().apply(a_call(reservation_id))
    return reservation_id
