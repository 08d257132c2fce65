"""Our books of payments, and the card processor's ledger to compare them with. Nothing is written here."""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from outbound import http
from outbound.call import NotSent
from outbound.deadline import Deadline
from payments.gateways.protocol import LedgerPayment, UnexpectedAnswer
from payments.gateways.registry import gateway
from payments.models import Payment, WebhookDelivery

logger = logging.getLogger(__name__)

TECHNICAL: Final = (NotSent, http.NoAnswer, UnexpectedAnswer)


@dataclass(frozen=True, kw_only=True)
class PaymentInBooks:
    """A payment as we have it, superseded ones too; amounts in major units."""

    payment_id: UUID
    reservation_id: UUID
    intent_id: str
    status: str
    captured: Decimal
    refunded: Decimal
    currency: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class PaymentAtProcessor:
    """A payment as the processor has it; `reservation_id` is None when it is named after none of ours.

    `held` is reserved on the card, `captured` was taken, `refunded` was given back of that; major units.
    """

    intent_id: str
    reservation_id: UUID | None
    held: Decimal
    captured: Decimal
    refunded: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class ProcessorLedger:
    """What the processor answered; `silent` says why it did not in full, "" if it did."""

    payments: list[PaymentAtProcessor]
    silent: str = ""


def payments_in_books(*, reservation_ids: Collection[UUID]) -> list[PaymentInBooks]:
    """Return every payment that we know of reservations."""
    rows = Payment.objects.filter(reservation_id__in=reservation_ids).order_by("created_at", "id")
    return [
        PaymentInBooks(
            payment_id=row.id,
            reservation_id=row.reservation_id,
            intent_id=row.gateway_payment_id,
            status=row.status,
            captured=row.captured_amount,
            refunded=row.refunded_amount,
            currency=row.currency,
            created_at=row.created_at,
        )
        for row in rows
    ]


def unlisted_reservations(
    *, since: datetime, until: datetime, active: Collection[UUID] = ()
) -> set[UUID]:
    """Return whose payments may have changed in [since, until) without being in a listing of that time.

    A listing shows what was created within the window; a payment can be older than what became of
    it. `active` are reservations known to have been worked on; webhooks tell of others.
    """
    told = WebhookDelivery.objects.filter(received_at__gte=since, received_at__lt=until)
    ids = told.values_list("reservation_id", flat=True)
    about = {one for one in ids if one is not None} | set(active)
    if gateway().lists_payments:
        older = Payment.objects.filter(reservation_id__in=about, created_at__lt=since)
        return set(older.values_list("reservation_id", flat=True))
    made = Payment.objects.filter(created_at__gte=since, created_at__lt=until)
    return about | set(made.values_list("reservation_id", flat=True))


def list_processor_payments(*, since: datetime, until: datetime, seconds: float) -> ProcessorLedger:
    """Ask for the payments created in [since, until); none, if the processor does not show its ledger."""
    deadline = Deadline.within(seconds)
    if not gateway().lists_payments:
        return ProcessorLedger(payments=[])
    return _answer(lambda: _list(since, until, deadline))


def look_up_payments(*, intent_ids: Iterable[str], seconds: float) -> ProcessorLedger:
    """Ask about each payment alone."""
    deadline = Deadline.within(seconds)
    return _answer(
        lambda: [
            _of(gateway().ledger_payment(intent_id=intent_id, deadline=deadline))
            for intent_id in dict.fromkeys(intent_ids)
        ]
    )


def _answer(ask: Callable[[], list[PaymentAtProcessor]]) -> ProcessorLedger:
    try:
        return ProcessorLedger(payments=ask())
    except TECHNICAL as error:
        logger.warning("the card processor did not show its payments", exc_info=True)
        return ProcessorLedger(payments=[], silent=f"{type(error).__name__}: {error}")


def _list(since: datetime, until: datetime, deadline: Deadline) -> list[PaymentAtProcessor]:
    found: list[PaymentAtProcessor] = []
    after = ""
    while True:
        page = gateway().list_payments(
            created_from=since, created_until=until, after=after, deadline=deadline
        )
        found += [_of(payment) for payment in page.payments]
        if not page.next:
            return found
        if page.next == after:
            raise UnexpectedAnswer("the next page is the same again")
        after = page.next


def _of(payment: LedgerPayment) -> PaymentAtProcessor:
    return PaymentAtProcessor(
        intent_id=payment.intent_id,
        reservation_id=_reservation(payment.reservation),
        held=payment.held,
        captured=payment.captured,
        refunded=payment.refunded,
        currency=payment.currency,
    )


def _reservation(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
