"""Our side of the comparison: what we have of reservations, and which of them are at rest."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings

from booking.models import SagaInstance, SagaStep
from booking.orchestrator.plan import REGISTRY
from booking.orchestrator.shape import StepState
from booking.reconciler.comparison import Books, OurOrder, OurPayment, Standing
from payments import services as payments
from providers import services as providers
from reservation import services as reservation

NOT_BOOKED: Final = {
    reservation.Status.DRAFT,
    reservation.Status.FAILED,
    reservation.Status.CANCELLED,
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What we have of one reservation: as the services say it, and as it is compared."""

    orders: tuple[providers.OrderInBooks, ...]
    payments: tuple[payments.PaymentInBooks, ...]
    books: Books


def at_rest(reservation_ids: Collection[UUID], *, now: datetime) -> dict[UUID, UUID | None]:
    """Return reservation -> its newest saga, for those whose sagas are over for the quiet period.

    A live saga settles its own calls, a parked one has told a person; and what a saga sent may land
    for some time after its end.
    """
    quiet = max(settings.PARTNER_QUIET_SECONDS, settings.PAYMENT_QUIET_SECONDS)
    before = now - timedelta(seconds=settings.SAGA_LEASE_SECONDS + quiet)
    newest: dict[UUID, UUID | None] = dict.fromkeys(reservation_ids)
    sagas = SagaInstance.objects.filter(subject_id__in=reservation_ids).order_by("created_at")
    for saga in sagas.only("id", "subject_id", "finished_at"):
        if saga.finished_at is None or saga.finished_at >= before:
            newest.pop(saga.subject_id, None)
        elif saga.subject_id in newest:
            newest[saga.subject_id] = saga.id
    return newest


def read(reservation_ids: Collection[UUID], *, lock: bool = False) -> Mapping[UUID, Entry]:
    """Return what we have of each reservation; `lock` keeps it so until the end of the transaction."""
    standings = reservation.standings(reservation_ids=reservation_ids, lock=lock)
    orders: dict[UUID, list[providers.OrderInBooks]] = {}
    for order in providers.orders_in_books(reservation_ids=reservation_ids):
        orders.setdefault(order.reservation_id, []).append(order)
    paid: dict[UUID, list[payments.PaymentInBooks]] = {}
    for payment in payments.payments_in_books(reservation_ids=reservation_ids):
        paid.setdefault(payment.reservation_id, []).append(payment)
    accepted = _accepted(reservation_ids)
    return {
        one: _entry(
            standings.get(one), orders.get(one, []), paid.get(one, []), accepted.get(one, ())
        )
        for one in reservation_ids
    }


def _entry(
    standing: reservation.Standing | None,
    orders: list[providers.OrderInBooks],
    paid: list[payments.PaymentInBooks],
    accepted: Collection[str],
) -> Entry:
    books = Books(
        standing=_standing(standing),
        legs=tuple(str(item) for item in standing.item_ids) if standing else (),
        orders=tuple(
            OurOrder(
                item_id=str(order.item_id),
                order_id=order.order_id,
                amount=order.amount,
                currency=order.currency,
            )
            for order in orders
            if order.booked
        ),
        payments=tuple(
            OurPayment(
                intent_id=payment.intent_id,
                captured=payment.captured,
                refunded=payment.refunded,
                currency=payment.currency,
            )
            for payment in paid
        ),
        accepted=frozenset(accepted),
    )
    return Entry(orders=tuple(orders), payments=tuple(paid), books=books)


def _standing(found: reservation.Standing | None) -> Standing:
    if found is None:
        return Standing.UNKNOWN
    if found.status not in NOT_BOOKED:
        return Standing.CONFIRMED
    return Standing.CANCELLED if found.was_confirmed else Standing.UNBOOKED


def _accepted(reservation_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """Return reservation -> the items whose loss a person bore ("" is the payment)."""
    rows = SagaStep.objects.filter(
        saga__subject_id__in=reservation_ids, state=StepState.ACCEPTED
    ).values_list("saga__subject_id", "saga__name", "step", "item")
    accepted: dict[UUID, set[str]] = {}
    for reservation_id, saga, step, item in rows:
        if item or _is_about_the_payment(saga, step):
            accepted.setdefault(reservation_id, set()).add(item)
    return accepted


def _is_about_the_payment(saga: str, step: str) -> bool:
    code = REGISTRY[saga].steps.get(step) if saga in REGISTRY else None
    # Of code that is gone nobody can tell: better not compared than taken back against a decision.
    return code is None or code.operation in payments.ON_THE_PAYMENT
