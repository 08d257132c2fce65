"""What CRM does when something happens in Booking: one line each, safe to repeat, in any order of keys."""

from booking.events import (
    AccountErased,
    AccountRegistered,
    LegBooked,
    LegCancelled,
    LegRefused,
    PartnerRegistered,
    PaymentCaptured,
    ReservationCancelled,
    ReservationComposed,
    ReservationConfirmed,
    ReservationFailed,
)
from crm.commands import hearing, projections
from crm.models import Kind, TripStatus
from eventbus.subscribe import Group, Meta

crm = Group("crm", streams=["booking"], start="beginning", unit_of_work=hearing.unit_of_work)


@crm.on(AccountRegistered)
def create_profile(event: AccountRegistered, meta: Meta) -> None:
    """Create the traveller's profile."""
    projections.register_profile(
        account_id=event.account_id,
        email=event.email,
        full_name=event.full_name,
        locale=event.locale,
        at=meta.occurred_at,
    )


@crm.on(AccountErased)
def erase_profile(event: AccountErased, meta: Meta) -> None:
    """Forget who the traveller is, and what was written to them and about them."""
    projections.erase_profile(account_id=event.account_id, at=meta.occurred_at)


@crm.on(PartnerRegistered)
def create_provider(event: PartnerRegistered) -> None:
    """Create the tenant that the provider's staff will work in."""
    projections.register_provider(
        provider_id=event.provider_id, slug=event.slug, name=event.name, kind=event.kind
    )


@crm.on(ReservationComposed)
def open_trip(event: ReservationComposed, meta: Meta) -> None:
    """Remember whose reservation it is; no provider sees a draft."""
    projections.open_trip(
        reservation_id=event.reservation_id, account_id=event.account_id, at=meta.occurred_at
    )


@crm.on(LegBooked)
def record_booked_leg(event: LegBooked, meta: Meta) -> None:
    """Add the order to the provider's timeline."""
    projections.record_leg(
        reservation_id=event.reservation_id,
        provider_id=event.provider_id,
        kind=Kind.LEG_BOOKED,
        summary=f"Order {event.confirmation_code} booked: {event.amount} {event.currency}.",
        source=meta,
    )


@crm.on(LegRefused)
def record_refused_leg(event: LegRefused, meta: Meta) -> None:
    """Add the refusal to the provider's timeline."""
    projections.record_leg(
        reservation_id=event.reservation_id,
        provider_id=event.provider_id,
        kind=Kind.LEG_REFUSED,
        summary=f"Order refused: {event.reason}.",
        source=meta,
    )


@crm.on(LegCancelled)
def record_cancelled_leg(event: LegCancelled, meta: Meta) -> None:
    """Add the cancelled order to the provider's timeline."""
    projections.record_leg(
        reservation_id=event.reservation_id,
        provider_id=event.provider_id,
        kind=Kind.LEG_CANCELLED,
        summary="Order cancelled.",
        source=meta,
    )


@crm.on(PaymentCaptured)
def record_payment(event: PaymentCaptured, meta: Meta) -> None:
    """Count the trip's value for its providers: the money was taken."""
    projections.record_capture(reservation_id=event.reservation_id, at=meta.occurred_at)


@crm.on(ReservationConfirmed)
def record_confirmed_trip(event: ReservationConfirmed, meta: Meta) -> None:
    """Add the trip to each provider's relationship and timeline, and thank the traveller once."""
    projections.confirm_trip(
        reservation_id=event.reservation_id,
        account_id=event.account_id,
        currency=event.currency,
        legs=event.legs,
        at=event.confirmed_at,
        source=meta,
    )


@crm.on(ReservationFailed)
def record_failed_trip(event: ReservationFailed, meta: Meta) -> None:
    """Add the failed trip to the timeline and figures of the providers that were asked."""
    projections.close_trip(
        reservation_id=event.reservation_id,
        account_id=event.account_id,
        provider_ids=event.provider_ids,
        status=TripStatus.FAILED,
        at=event.failed_at,
        source=meta,
    )


@crm.on(ReservationCancelled)
def record_cancelled_trip(event: ReservationCancelled, meta: Meta) -> None:
    """Add the cancelled trip to the timeline and figures of the providers that were asked."""
    projections.close_trip(
        reservation_id=event.reservation_id,
        account_id=event.account_id,
        provider_ids=event.provider_ids,
        status=TripStatus.CANCELLED,
        at=event.cancelled_at,
        source=meta,
    )
