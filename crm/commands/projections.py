"""Keep what is heard of Booking; called by handlers only.

Everything here may be repeated, and come in any order of keys, without changing the result. Every
command adds to the unit of work that it is called in, or is one of its own (`hearing.unit_of_work`);
rows only are written: mail leaves through a row and a task.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm import domain
from crm.commands import hearing
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


def register_profile(
    *, account_id: UUID, email: str, full_name: str, locale: str, at: datetime
) -> None:
    """Fill in who the traveller is."""
    with hearing.unit_of_work() as heard:
        profile = heard.profile(account_id, at=at)
        if profile.erased_at is None:
            profile.email, profile.full_name, profile.locale = email, full_name, locale


def erase_profile(*, account_id: UUID, at: datetime) -> None:
    """Forget who the traveller is, and what was written to them and about them.

    Trips, figures and consent stay without a name. A message that still waits finds no address.
    """
    with hearing.unit_of_work() as heard:
        profile = heard.profile(account_id, at=at)
        profile.email = profile.full_name = profile.locale = ""
        profile.erased_at = min(profile.erased_at or at, at)
        heard.forget(account_id)


def register_provider(*, provider_id: UUID, slug: str, name: str, kind: str) -> None:
    """Fill in who the tenant is."""
    with hearing.unit_of_work() as heard:
        provider = heard.provider(provider_id)
        provider.slug, provider.name, provider.kind = slug, name, kind


def open_trip(*, reservation_id: UUID, account_id: UUID, at: datetime) -> None:
    """Remember whose reservation it is."""
    with hearing.unit_of_work() as heard:
        heard.trip_of(account_id, reservation_id, at=at)


def record_leg(
    *, reservation_id: UUID, provider_id: UUID, kind: Kind, summary: str, source: Meta
) -> None:
    """Tell a provider's timeline what became of one order; from now on the provider has been asked."""
    with hearing.unit_of_work() as heard:
        trip = heard.trip(reservation_id)
        heard.share(trip, provider_id)
        _tell(heard, trip, {provider_id: summary}, kind=kind, source=source)


def record_capture(*, reservation_id: UUID, at: datetime) -> None:
    """Remember that the trip's money was taken: from now on it counts as value."""
    with hearing.unit_of_work() as heard:
        heard.trip(reservation_id).capture(at=at)


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
    summaries = {
        provider_id: f"Trip confirmed: {domain.titles_of(legs, provider_id)}, {price} {currency}."
        for provider_id, price in prices.items()
    }
    with hearing.unit_of_work() as heard:
        trip = heard.trip_of(account_id, reservation_id, at=source.occurred_at)
        trip.become(TripStatus.CONFIRMED, at=at)
        for provider_id, price in prices.items():
            heard.share(trip, provider_id).price(price, currency=currency, at=at)
        _tell(heard, trip, summaries, kind=Kind.TRIP_CONFIRMED, source=source)
        if not source.replay and domain.is_fresh(happened_at=at, now=timezone.now()):
            _thank(heard, reservation_id, account_id, legs, currency=currency, source=source)


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
    kind, summary = _TOLD[status]
    with hearing.unit_of_work() as heard:
        trip = heard.trip_of(account_id, reservation_id, at=source.occurred_at)
        trip.become(status, at=at)
        _tell(heard, trip, dict.fromkeys(provider_ids, summary), kind=kind, source=source)


@transaction.atomic
def forget_projections() -> None:
    """Delete what a replay from the beginning writes again; what CRM itself owns stays.

    Profiles and providers become placeholders: notes, consent and messages hang on them.
    """
    Interaction.objects.filter(source_event_id__isnull=False).delete()
    for projection in (Relationship, TripShare, Trip):
        projection.objects.all().delete()
    Profile.objects.update(email="", full_name="", locale="", erased_at=None)
    Provider.objects.update(slug=None, name="", kind="")


def _tell(
    heard: hearing.Heard, trip: Trip, summaries: dict[UUID, str], *, kind: Kind, source: Meta
) -> None:
    for provider_id, summary in summaries.items():
        heard.tell(
            Interaction.heard(
                provider_id=provider_id,
                reservation_id=trip.reservation_id,
                kind=kind,
                summary=summary,
                event_id=source.event_id,
                position=source.position,
                at=source.occurred_at,
            )
        )


def _thank(
    heard: hearing.Heard,
    reservation_id: UUID,
    account_id: UUID,
    legs: Sequence[LegOfTrip],
    *,
    currency: str,
    source: Meta,
) -> None:
    """Queue one message from each provider; the event's id is the key, so a repeat adds none."""
    now = timezone.now()
    for provider_id in domain.price_by_provider(legs):
        subject, body = domain.thanks(legs, provider_id, currency)
        heard.queue(
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
