"""Books in which all is well: one trip of one leg, confirmed, paid, and known to CRM. Tests spoil them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.chaos.books import NOTHING, TABLES, Books
from tests.chaos.client import Receipt

TRIP, ACCOUNT, PROVIDER = "trip-1", "account-1", "provider-1"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Sample:
    """Tables, ledger and receipts to be changed before they are judged."""

    def __init__(self) -> None:
        """Write everything down as it should be."""
        self.tables: dict[str, list[Any]] = {name: [] for name in TABLES}
        self.ledger: dict[str, list[Any]] = {name: [] for name in NOTHING}
        self.receipts: list[Receipt] = []
        self._ours()
        self._theirs()
        self._log()
        self._crm()
        self._told()

    def books(self) -> Books:
        """Return the books as they are now."""
        return Books(self.tables, self.ledger, self.receipts)

    def event(self, name: str, **data: Any) -> None:
        """Add an event to the log, dealt with by CRM."""
        number = len(self.tables["log"]) + 1
        self.tables["log"].append(
            {
                "event_id": f"event-{number}",
                "position": number,
                "type": f"{name}.v1",
                "key": TRIP,
                "data": data,
                "occurred_at": AT,
            }
        )
        self.tables["inbox"].append(
            {"event_id": f"event-{number}", "handler": name, "status": "done"}
        )

    def _ours(self) -> None:
        self.tables["reservations"] = [
            {
                "id": TRIP,
                "account_id": ACCOUNT,
                "status": "confirmed",
                "amount": Decimal("90.5000"),
                "currency": "EUR",
                "legs": 1,
            }
        ]
        self.tables["sagas"] = [
            {
                "id": "saga-1",
                "name": "confirm-reservation",
                "state": "completed",
                "reason": "",
                "subject_id": TRIP,
                "attention_reason": None,
                "finished_at": AT,
                "created_at": AT,
            }
        ]
        self.tables["orders"] = [
            {
                "reservation_id": TRIP,
                "item_id": "leg-1",
                "status": "booked",
                "confirmation_code": "ABC",
            }
        ]
        self.tables["payments"] = [
            {
                "reservation_id": TRIP,
                "status": "captured",
                "method": "pm_card_visa",
                "captured_amount": Decimal("90.50"),
                "refunded_amount": Decimal(0),
                "superseded_at": None,
            }
        ]

    def _theirs(self) -> None:
        self.ledger["orders"] = [
            {"reference": f"{TRIP}:leg-1", "status": "confirmed", "confirmation_code": "ABC"}
        ]
        self.ledger["payment_intents"] = [
            {
                "id": "pi-1",
                "status": "succeeded",
                "amount_received": 9050,
                "metadata": {"reservation_id": TRIP},
            }
        ]
        self.ledger["captures"] = [{"payment_intent": "pi-1", "amount": 9050}]

    def _log(self) -> None:
        self.event("reservation.composed", account_id=ACCOUNT)
        self.event("providers.leg_booked", provider_id=PROVIDER)
        self.event("payments.captured")
        legs = [{"provider_id": PROVIDER, "amount": "90.50"}]
        self.event(
            "reservation.confirmed", account_id=ACCOUNT, confirmed_at=AT.isoformat(), legs=legs
        )

    def _crm(self) -> None:
        self.tables["crm_trips"] = [
            {"reservation_id": TRIP, "account_id": ACCOUNT, "status": "confirmed", "paid": True}
        ]
        self.tables["crm_shares"] = [
            {"trip_id": TRIP, "provider_id": PROVIDER, "amount": Decimal("90.5000")}
        ]
        self.tables["crm_relationships"] = [
            {
                "provider_id": PROVIDER,
                "account_id": ACCOUNT,
                "confirmed_trips": 1,
                "cancelled_trips": 0,
                "failed_trips": 0,
            }
        ]
        self.tables["crm_entries"] = [
            {"source_event_id": event, "provider_id": PROVIDER} for event in ("event-2", "event-4")
        ]
        self.tables["crm_messages"] = [{"key": "event:event-4", "provider_id": PROVIDER}]

    def _told(self) -> None:
        page = {"id": TRIP, "amount": "90.50", "currency": "EUR"}
        self._receipt("reservations", "key-1", 201, page)
        self._receipt("payment", "", 200, page, given={"method": "pm_card_visa"})
        self._receipt("confirm", "key-2", 202, {"id": TRIP})
        self._receipt("confirm", "key-2", 202, {"id": TRIP})

    def _receipt(self, command: str, key: str, status: int, body: Any, **more: Any) -> None:
        receipt = Receipt(
            reservation_id=TRIP, command=command, key=key, status=status, body=body, **more
        )
        self.receipts.append(receipt)
