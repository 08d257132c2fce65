"""The events of a trip, told to CRM's handlers without the bus, and what CRM made of them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from booking import events
from crm import handlers, models
from eventbus.events import Event
from eventbus.subscribe import Meta

ACCOUNT, OTHER_ACCOUNT = uuid.UUID(int=101), uuid.UUID(int=102)
AIRLINE, HOTEL = uuid.UUID(int=201), uuid.UUID(int=202)
RESERVATION = uuid.UUID(int=301)


@dataclass(frozen=True)
class Told:
    """One event with what the bus knows about it."""

    event: Event
    meta: Meta


def tell(told: Told, *, replay: bool = False) -> None:
    """Run CRM's handlers of one event, past the inbox."""
    meta = Meta(**{**vars(told.meta), "replay": replay})
    for handler in handlers.crm.handlers_of(type(told.event).fact):
        handler.run(told.event, meta)


def tell_all(story: list[Told], *, replay: bool = False) -> None:
    for told in story:
        tell(told, replay=replay)


class Story:
    """Collects events in the order in which they happened, a second apart, ending about now."""

    def __init__(self, *, began_at: datetime | None = None) -> None:
        self.now = began_at or timezone.now().astimezone(UTC) - timedelta(minutes=5)
        self.events: list[Told] = []

    def add(self, event: Event) -> "Story":
        meta = Meta(
            event_id=uuid.uuid5(
                uuid.NAMESPACE_OID, f"{type(event).__name__}{event!r}{len(self.events)}"
            ),
            stream="booking",
            position=len(self.events) + 1,
            key=event.partition_key,
            occurred_at=self.now,
            correlation_id="",
            causation_id=None,
            replay=False,
        )
        self.events.append(Told(event, meta))
        self.now += timedelta(seconds=1)
        return self

    def providers(self) -> "Story":
        for provider_id, slug, kind in [
            (AIRLINE, "skyways", "flight"),
            (HOTEL, "restwell", "stay"),
        ]:
            self.add(
                events.PartnerRegistered(
                    provider_id=provider_id, slug=slug, name=slug.title(), kind=kind
                )
            )
        return self

    def account(self, account_id: uuid.UUID = ACCOUNT, name: str = "Ada Lovelace") -> "Story":
        return self.add(
            events.AccountRegistered(
                account_id=account_id,
                email=f"{name.split()[0].lower()}@example.com",
                full_name=name,
                locale="en",
            )
        )

    def erased(self, account_id: uuid.UUID = OTHER_ACCOUNT) -> "Story":
        return self.add(events.AccountErased(account_id=account_id))

    def composed(self, **changes: Any) -> "Story":
        return self.add(events.ReservationComposed(**_trip(changes)))

    def booked(self, provider_id: uuid.UUID, reservation_id: uuid.UUID = RESERVATION) -> "Story":
        return self.add(
            events.LegBooked(
                reservation_id=reservation_id,
                item_id=uuid.uuid5(reservation_id, str(provider_id)),
                provider_id=provider_id,
                confirmation_code="ABC123",
                amount=Decimal("100.00"),
                currency="EUR",
            )
        )

    def refused(self, provider_id: uuid.UUID, reservation_id: uuid.UUID = RESERVATION) -> "Story":
        return self.add(
            events.LegRefused(
                reservation_id=reservation_id,
                item_id=uuid.uuid5(reservation_id, str(provider_id)),
                provider_id=provider_id,
                reason="sold_out",
            )
        )

    def leg_cancelled(
        self, provider_id: uuid.UUID, reservation_id: uuid.UUID = RESERVATION
    ) -> "Story":
        return self.add(
            events.LegCancelled(
                reservation_id=reservation_id,
                item_id=uuid.uuid5(reservation_id, str(provider_id)),
                provider_id=provider_id,
            )
        )

    def captured(self, reservation_id: uuid.UUID = RESERVATION) -> "Story":
        return self.add(
            events.PaymentCaptured(
                reservation_id=reservation_id,
                payment_id=uuid.uuid5(reservation_id, "payment"),
                amount=Decimal("300.00"),
                currency="EUR",
            )
        )

    def confirmed(self, **changes: Any) -> "Story":
        return self.add(events.ReservationConfirmed(**_trip(changes), confirmed_at=self.now))

    def failed(self, reservation_id: uuid.UUID = RESERVATION) -> "Story":
        return self.add(
            events.ReservationFailed(
                reservation_id=reservation_id,
                account_id=ACCOUNT,
                provider_ids=(AIRLINE, HOTEL),
                reason="sold_out",
                failed_at=self.now,
            )
        )

    def cancelled(self, reservation_id: uuid.UUID = RESERVATION) -> "Story":
        return self.add(
            events.ReservationCancelled(
                reservation_id=reservation_id,
                account_id=ACCOUNT,
                provider_ids=(AIRLINE, HOTEL),
                reason="customer",
                cancelled_at=self.now,
            )
        )

    def whole_trip(self) -> "Story":
        """A trip that succeeds, preceded by who takes part."""
        return (
            self.providers()
            .account()
            .composed()
            .booked(AIRLINE)
            .booked(HOTEL)
            .captured()
            .confirmed()
        )

    def every_event(self) -> "Story":
        """A trip that fails at the second attempt's hotel, then succeeds, then is cancelled."""
        gone = self.providers().account(OTHER_ACCOUNT, "Bob Gone").erased()
        first = gone.account().composed().booked(AIRLINE).refused(HOTEL)
        second = first.leg_cancelled(AIRLINE).failed().booked(AIRLINE).booked(HOTEL)
        return second.captured().confirmed().leg_cancelled(AIRLINE).leg_cancelled(HOTEL).cancelled()


def leg(provider_id: uuid.UUID, amount: str) -> events.Leg:
    return events.Leg(
        item_id=uuid.uuid5(provider_id, "item"),
        provider_id=provider_id,
        kind="flight" if provider_id == AIRLINE else "stay",
        title="LHR-JFK" if provider_id == AIRLINE else "Plaza, 2 nights",
        amount=Decimal(amount),
        starts_at=datetime(2026, 12, 1, 10, tzinfo=UTC),
        starts_at_local="2026-12-01T10:00",
        starts_zone="Europe/London",
    )


def _trip(changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "reservation_id": RESERVATION,
        "account_id": ACCOUNT,
        "amount": Decimal("300.00"),
        "currency": "EUR",
        "legs": (leg(AIRLINE, "100.00"), leg(HOTEL, "200.00")),
        **changes,
    }


PROJECTIONS = [
    models.Profile,
    models.Provider,
    models.Trip,
    models.TripShare,
    models.Relationship,
]


def projected() -> dict[str, list[dict[str, Any]]]:
    """Return every projected row, but for numbers that the database hands out."""
    rows = {model.__name__: list(model.objects.values()) for model in PROJECTIONS}
    rows["Interaction"] = list(
        models.Interaction.objects.filter(source_event_id__isnull=False).values()
    )
    return {
        name: sorted(
            ({k: v for k, v in row.items() if k != "id" or name == "Interaction"} for row in found),
            key=repr,
        )
        for name, found in rows.items()
    }


def owned() -> dict[str, list[dict[str, Any]]]:
    """Return every row that CRM itself owns."""
    models_owned = [models.Note, models.Consent, models.Message, models.Membership]
    return {model.__name__: sorted(model.objects.values(), key=repr) for model in models_owned}
