"""Keep what is heard of Booking; called by handlers only.

Everything here may be repeated, and come in any order of keys, without changing the result. Every
command is one transaction and writes rows only: mail leaves through a row and a task.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm import domain, tasks
from crm.domain import LegOfTrip
from crm.models import (
    Channel,
    Interaction,
    Kind,
    Message,
    Profile,
    Provider,
    Purpose,
    Relationship,
    Trip,
    TripShare,
    TripStatus,
)
from eventbus.subscribe import Meta

_TOLD = {
    TripStatus.FAILED: (Kind.TRIP_FAILED, "The trip could not be booked."),
    TripStatus.CANCELLED: (Kind.TRIP_CANCELLED, "The trip was cancelled."),
}


@transaction.atomic
def register_profile(
    *, account_id: UUID, email: str, full_name: str, locale: str, at: datetime
) -> None:
    """Fill in who the traveller is."""
    Profile.meet(account_id=account_id, at=at)
    Profile.objects.filter(account_id=account_id).update(
        email=email, full_name=full_name, locale=locale
    )


@transaction.atomic
def register_provider(*, provider_id: UUID, slug: str, name: str, kind: str) -> None:
    """Fill in who the tenant is."""
    Provider.meet([provider_id])
    Provider.objects.filter(provider_id=provider_id).update(slug=slug, name=name, kind=kind)


@transaction.atomic
def open_trip(*, reservation_id: UUID, account_id: UUID, at: datetime) -> None:
    """Remember whose reservation it is."""
    trip = Trip.locked(reservation_id=reservation_id)
    _attribute(trip, account_id=account_id, at=at)
    trip.save()
    Relationship.refigure(trip)


@transaction.atomic
def record_leg(
    *, reservation_id: UUID, provider_id: UUID, kind: Kind, summary: str, source: Meta
) -> None:
    """Tell a provider's timeline what became of one order; from now on the provider has been asked."""
    Provider.meet([provider_id])
    trip = Trip.locked(reservation_id=reservation_id)
    trip.involve([provider_id])
    _tell({provider_id: summary}, kind=kind, trip=trip, source=source)
    Relationship.refigure(trip)


@transaction.atomic
def record_capture(*, reservation_id: UUID, at: datetime) -> None:
    """Remember that the trip's money was taken: from now on it counts as value."""
    trip = Trip.locked(reservation_id=reservation_id)
    trip.captured_at = min(trip.captured_at or at, at)
    trip.save()


@transaction.atomic
def confirm_trip(
    *,
    reservation_id: UUID,
    account_id: UUID,
    currency: str,
    legs: Sequence[LegOfTrip],
    at: datetime,
    source: Meta,
) -> None:
    """Give every provider its share of the trip, its entry, and the traveller one thank-you from each.

    Amounts of the legs are in units of `currency`. A replay, or an event too old to be news, sends nothing.
    """
    prices = domain.price_by_provider(legs)
    Provider.meet(prices)
    trip = Trip.locked(reservation_id=reservation_id)
    _attribute(trip, account_id=account_id, at=source.occurred_at)
    trip.become(TripStatus.CONFIRMED, at=at)
    trip.save()
    trip.share_out(prices, currency=currency, at=at)
    summaries = {
        provider_id: f"Trip confirmed: {domain.titles_of(legs, provider_id)}, {price} {currency}."
        for provider_id, price in prices.items()
    }
    _tell(summaries, kind=Kind.TRIP_CONFIRMED, trip=trip, source=source)
    Relationship.refigure(trip)
    if not source.replay and domain.is_fresh(happened_at=at, now=timezone.now()):
        _thank(trip.reservation_id, account_id, legs, currency=currency, source=source)


@transaction.atomic
def close_trip(
    *,
    reservation_id: UUID,
    account_id: UUID,
    provider_ids: Sequence[UUID],
    status: TripStatus,
    at: datetime,
    source: Meta,
) -> None:
    """Record that a trip failed or was cancelled; why is between the traveller and Booking."""
    Provider.meet(provider_ids)
    trip = Trip.locked(reservation_id=reservation_id)
    _attribute(trip, account_id=account_id, at=source.occurred_at)
    trip.become(status, at=at)
    trip.save()
    kind, summary = _TOLD[status]
    _tell(dict.fromkeys(provider_ids, summary), kind=kind, trip=trip, source=source)
    Relationship.refigure(trip)


@transaction.atomic
def forget_projections() -> None:
    """Delete what a replay from the beginning writes again; what CRM itself owns stays.

    Profiles and providers become placeholders: notes, consent and messages hang on them.
    """
    Interaction.objects.filter(source_event_id__isnull=False).delete()
    for projection in (Relationship, TripShare, Trip):
        projection.objects.all().delete()
    Profile.objects.update(email="", full_name="", locale="")
    Provider.objects.update(slug=None, name="", kind="")


def _attribute(trip: Trip, *, account_id: UUID, at: datetime) -> None:
    """Note whose trip it is, and tell earlier entries that did not know."""
    Profile.meet(account_id=account_id, at=at)
    if trip.profile_id is None:
        trip.profile_id = account_id
        Interaction.objects.filter(reservation_id=trip.reservation_id, profile__isnull=True).update(
            profile=account_id
        )


def _tell(summaries: dict[UUID, str], *, kind: Kind, trip: Trip, source: Meta) -> None:
    Interaction.hear(
        summaries,
        kind=kind,
        trip=trip,
        event_id=source.event_id,
        position=source.position,
        at=source.occurred_at,
    )


def _thank(
    reservation_id: UUID,
    account_id: UUID,
    legs: Sequence[LegOfTrip],
    *,
    currency: str,
    source: Meta,
) -> None:
    """Queue one message from each provider; the event's id is the key, so a repeat adds none."""
    now = timezone.now()
    messages = []
    for provider_id in domain.price_by_provider(legs):
        subject, body = domain.thanks(legs, provider_id, currency)
        messages.append(
            Message(
                id=uuid.uuid5(source.event_id, str(provider_id)),
                provider_id=provider_id,
                profile_id=account_id,
                reservation_id=reservation_id,
                channel=Channel.EMAIL,
                purpose=Purpose.TRANSACTIONAL,
                subject=subject,
                body=body,
                key=f"event:{source.event_id}",
                queued_at=now,
                due_at=now,
            )
        )
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    ids = [message.id for message in messages]
    transaction.on_commit(partial(tasks.dispatch, message_ids=ids), robust=True)
