"""From what the selectors return to what the API shows."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.urls import reverse

from booking import commands, selectors
from booking.orchestrator import history
from payments import services as payments
from providers import services as providers
from reservation import services as reservation


def links_of(reservation_id: UUID) -> dict[str, str]:
    """Return the paths that belong to a reservation."""
    route = {"reservation_id": reservation_id}
    return {
        "self": reverse("reservation", kwargs=route),
        "timeline": reverse("reservation-timeline", kwargs=route),
        "events": reverse("reservation-events", kwargs=route),
        "travellers": reverse("reservation-travellers", kwargs=route),
        "payment": reverse("reservation-payment", kwargs=route),
        "confirm": reverse("reservation-confirm", kwargs=route),
        "cancel": reverse("reservation-cancel", kwargs=route),
    }


def summary(found: reservation.ReservationSummary) -> dict[str, Any]:
    """Show a reservation in a list."""
    return {
        "id": found.reservation_id,
        "status": str(found.status),
        "amount": found.amount,
        "currency": found.currency,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "confirmed_at": found.confirmed_at,
        "failed_at": found.failed_at,
        "cancelled_at": found.cancelled_at,
        "reason": found.failure_reason or found.cancellation_reason,
        "links": links_of(found.reservation_id),
    }


def page(found: selectors.ReservationPage) -> dict[str, Any]:
    """Show everything about a reservation."""
    return {
        **trip(found),
        "cancellation": found.refund and _cancellation(found.refund, found.reservation),
        "progress": found.progress and _progress(found.progress),
    }


def trip(found: selectors.ReservationPage) -> dict[str, Any]:
    """Show a reservation with its items, travellers and money, without its flow."""
    return {
        **summary(found.reservation),
        "expires_at": found.reservation.expires_at,
        "items": [_item(item, found) for item in found.reservation.items],
        "travellers": [asdict(traveller) for traveller in found.reservation.travellers],
        "payment": found.payment and payment(found.payment),
    }


def accepted(reservation_id: UUID, *, status: str) -> dict[str, Any]:
    """Show that a request is being worked on."""
    return {"id": reservation_id, "status": status, "links": links_of(reservation_id)}


def offer(found: providers.Offer) -> dict[str, Any]:
    """Show an offer."""
    return asdict(found)


def _item(item: reservation.ItemDetails, found: selectors.ReservationPage) -> dict[str, Any]:
    order = found.orders.get(item.item_id)
    details = dict(item.details)
    name = details.pop(commands.PROVIDER_NAME, "")
    return {
        **asdict(item),
        "details": details,
        "id": item.item_id,
        "provider": {"id": item.provider_id, "name": name},
        "order": order and _order(order),
    }


def _order(order: providers.OrderDetails) -> dict[str, Any]:
    return {
        "status": str(order.status),
        "confirmation_code": order.confirmation_code,
        "partner_reference": order.partner_reference,
    }


def payment(found: payments.PaymentDetails) -> dict[str, Any]:
    """Show the money."""
    return {
        "status": str(found.status),
        "amount": found.amount,
        "currency": found.currency,
        "authorised_amount": found.authorised_amount,
        "captured_amount": found.captured_amount,
        "refunded_amount": found.refunded_amount,
        "method_brand": found.method_brand,
        "method_last4": found.method_last4,
        "decline_reason": found.decline_reason,
        "action": found.client_action,
    }


def _cancellation(
    refund: reservation.RefundQuote, details: reservation.ReservationDetails
) -> dict[str, Any]:
    return {
        "refund_amount": refund.amount,
        "currency": refund.currency,
        "quoted_at": details.cancelling_at,
        "items": [{"id": item, "refund_amount": share} for item, share in refund.items.items()],
    }


def _progress(progress: history.Progress) -> dict[str, Any]:
    return {
        "saga_id": progress.saga_id,
        "name": progress.name,
        "state": progress.state,
        "reason": progress.reason,
        "compensation": progress.compensation,
        "due_at": progress.due_at,
        "deadline_at": progress.deadline_at,
        "finished_at": progress.finished_at,
        "needs_a_person": progress.attention_reason is not None,
        "action": progress.action,
        "calls": [asdict(call) for call in progress.calls],
    }
