"""Payment details: entered, replaced, looked at. The network is called outside any transaction."""

import logging
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.db.models.functions import TruncDate

from eventbus.publish import publish
from outbound import http
from outbound.call import NotSent
from outbound.deadline import Deadline
from payments import domain
from payments.domain import PaymentStatus
from payments.gateways.protocol import Intent, IntentState, NewIntent, UnexpectedAnswer
from payments.gateways.registry import gateway
from payments.models import IllegalPaymentMove, Payment
from payments.operations import current
from payments.refusals import PaymentInProgress

logger = logging.getLogger(__name__)

TECHNICAL: Final = (NotSent, http.NoAnswer, UnexpectedAnswer)


class PaymentGatewayUnavailable(Exception):
    """The card processor gave no usable answer; entering the details again may help."""

    code = "payment_gateway_unavailable"


@dataclass(frozen=True, kw_only=True)
class PaymentDetails:
    """A payment as its owner may see it; amounts in major units, `client_action` while waiting."""

    payment_id: uuid.UUID
    reservation_id: uuid.UUID
    gateway_payment_id: str
    status: str
    amount: Decimal
    currency: str
    authorised_amount: Decimal
    captured_amount: Decimal
    refunded_amount: Decimal
    method_brand: str
    method_last4: str
    decline_reason: str
    client_action: dict[str, Any] | None
    created_at: datetime


def enter_payment_details(
    *,
    reservation_id: uuid.UUID,
    account_id: uuid.UUID,
    amount: Decimal,
    currency: str,
    method: str,
    seconds: float = 15.0,
) -> PaymentDetails:
    """Open a payment at the processor, unconfirmed, and make it the reservation's current one.

    Details entered before are superseded, and their payment is cancelled as far as possible: an
    unconfirmed payment that is left behind holds no money.

    Raises:
        CardNumberRefused, PaymentDetailsRefused: the method is no token that can be used.
        PaymentInProgress: the current payment is being used, or was taken.
        PaymentGatewayUnavailable: the processor gave no usable answer.
    """
    domain.check_method(method)
    deadline = Deadline.within(seconds)
    _check_replaceable(reservation_id, deadline)
    asked = NewIntent(
        payment_id=uuid.uuid4(),
        reservation_id=reservation_id,
        amount=amount,
        currency=currency,
        method=method,
    )
    intent = _open(asked, deadline)
    try:
        payment, superseded = _store(asked, intent, account_id)
    except (IllegalPaymentMove, IntegrityError) as error:
        _give_up(intent.id, deadline)
        raise PaymentInProgress("the current payment is being used") from error
    if superseded is not None:
        _give_up(superseded.gateway_payment_id, deadline)
    return _details(payment)


def payment_of(*, reservation_id: uuid.UUID) -> PaymentDetails | None:
    """Return the current payment of a reservation, None before details are entered."""
    payment = current(reservation_id)
    return None if payment is None else _details(payment)


def payments_of(*, reservation_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, PaymentDetails]:
    """Return reservation -> its current payment, in one statement; those without one are left out."""
    rows = Payment.objects.filter(reservation_id__in=reservation_ids, superseded_at=None)
    return {payment.reservation_id: _details(payment) for payment in rows}


@dataclass(frozen=True, kw_only=True)
class Takings:
    """What was taken and kept, and what was given back, of the payments begun on one day; major units."""

    day: date
    currency: str
    kept: Decimal
    given_back: Decimal


def takings(*, since: datetime) -> list[Takings]:
    """Return what was taken for payments begun since then, by day (UTC) and currency, oldest first."""
    rows = (
        Payment.objects.filter(created_at__gte=since, captured_amount__gt=0)
        .annotate(day=TruncDate("created_at"))
        .values("day", "currency")
        .annotate(taken=Sum("captured_amount"), given_back=Sum("refunded_amount"))
        .order_by("day", "currency")
    )
    return [
        Takings(
            day=row["day"],
            currency=row["currency"],
            kept=row["taken"] - row["given_back"],
            given_back=row["given_back"],
        )
        for row in rows
    ]


def is_ready(*, reservation_id: uuid.UUID) -> bool:
    """Tell whether there are payment details that were not used yet."""
    payment = payment_of(reservation_id=reservation_id)
    return payment is not None and payment.status == PaymentStatus.READY


def _check_replaceable(reservation_id: uuid.UUID, deadline: Deadline) -> None:
    """Refuse while the current payment is used; one that was cancelled at the processor by hand is noted as void."""
    payment = payment_of(reservation_id=reservation_id)
    if payment is None or payment.status not in domain.KEPT:
        return
    if payment.status in domain.TAKEN or not _is_cancelled(payment, deadline):
        raise PaymentInProgress("the current payment is being used")
    with transaction.atomic():
        row = _locked(reservation_id)
        if row is not None and row.status in domain.IN_FLIGHT:
            publish(row.void())
            row.save()


def _is_cancelled(payment: PaymentDetails, deadline: Deadline) -> bool:
    intent_id = Payment.objects.values_list("gateway_payment_id", flat=True).get(
        pk=payment.payment_id
    )
    try:
        intent = gateway().retrieve(intent_id=intent_id, deadline=deadline)
    except TECHNICAL as error:
        raise PaymentGatewayUnavailable("the card processor gave no usable answer") from error
    return intent.state is IntentState.CANCELLED


def _open(asked: NewIntent, deadline: Deadline) -> Intent:
    try:
        return gateway().create(intent=asked, key=f"payment:{asked.payment_id}", deadline=deadline)
    except TECHNICAL as error:
        raise PaymentGatewayUnavailable("the card processor gave no usable answer") from error


def _store(
    asked: NewIntent, intent: Intent, account_id: uuid.UUID
) -> tuple[Payment, Payment | None]:
    """Commit the new payment; return it and the one that it supersedes."""
    with transaction.atomic():
        now = _now()
        superseded = _locked(asked.reservation_id)
        if superseded is not None:
            superseded.supersede(at=now)
            superseded.save()
        payment = Payment.objects.create(
            id=asked.payment_id,
            reservation_id=asked.reservation_id,
            account_id=account_id,
            amount=asked.amount,
            currency=asked.currency,
            method=asked.method,
            gateway_payment_id=intent.id,
            status=PaymentStatus.READY.value,
            created_at=now,
        )
    return payment, superseded


def _locked(reservation_id: uuid.UUID) -> Payment | None:
    """Return the payment of a reservation that nothing superseded, with its row lock."""
    rows = Payment.objects.select_for_update()
    found = rows.filter(reservation_id=reservation_id, superseded_at=None)
    # Who waited for a payment that was superseded meanwhile has not seen its successor: look again.
    return found.first() or found.first()


def _now() -> datetime:
    """Return the database's time: the reconciler compares with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [now] = cursor.fetchone()
    assert isinstance(now, datetime)  # noqa: S101 - narrows what the driver returns
    return now


def _give_up(intent_id: str, deadline: Deadline) -> None:
    """Cancel a payment that nobody will use, as far as possible."""
    try:
        gateway().cancel(intent_id=intent_id, deadline=deadline)
    except TECHNICAL:
        logger.warning("payment %s is left open, unconfirmed", intent_id, exc_info=True)


def _details(payment: Payment) -> PaymentDetails:
    names = set(PaymentDetails.__dataclass_fields__) - {"payment_id"}
    return PaymentDetails(payment_id=payment.id, **{name: getattr(payment, name) for name in names})
