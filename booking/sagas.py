"""The flow of a booking, as one table: reservation -> provider -> payment. Read this first."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from booking import discrepancies
from booking.orchestrator.plan import Link, Pivot, Retry, Saga, Step, minutes
from payments import services as payments
from providers import services as providers
from reservation import services as reservation


def price(*, reservation_id: UUID) -> reservation.Price:
    """Give the payment what the traveller agreed to pay."""
    return reservation.price(reservation_id=reservation_id)


def legs(*, reservation_id: UUID) -> dict[str, reservation.LegDetails]:
    """Give the providers one leg each, at the price that the traveller saw."""
    return reservation.legs(reservation_id=reservation_id)


def refund(*, reservation_id: UUID) -> reservation.Price:
    """Give the payment what comes back, as it was when the cancellation was asked for."""
    quote = reservation.refund_quote(reservation_id=reservation_id)
    return reservation.Price(amount=quote.amount, currency=quote.currency)


# fmt: off
CONFIRM_RESERVATION = Saga(
    "confirm-reservation", version=1, subject="reservation_id", deadline=minutes(15),
    links=[
        Link("reservation",
            Step("hold",      reservation.Hold,   compensate=reservation.Release, refused_by=reservation.OfferExpired),
            Step("authorise", payments.Authorise, compensate=payments.Void,       refused_by=payments.Declined, given=price)),
        Link("provider",
            Step("book",      providers.Book,     compensate=providers.Cancel,    refused_by=providers.Refused, each=legs)),
        Link("payment",
            Pivot("capture",  payments.Capture,   annulled_by=payments.Annul,     refused_by=payments.Declined, given=price),
            Step("confirm",   reservation.Confirm)),  # after the pivot: retried until done, never compensated
    ],
    failed=reservation.fail, cancelled=reservation.cancel,  # local, in the transaction that closes the saga
)

CANCEL_RESERVATION = Saga(
    "cancel-reservation", version=2, subject="reservation_id", deadline=minutes(15),
    links=[
        Link("reservation",
            Step("quote",     reservation.QuoteRefund, compensate=reservation.WithdrawQuote)),
        Link("provider",
            Pivot("cancel",   providers.Cancel,   refused_by=providers.CancelRefused, each=legs)),  # the first one cancelled
        Link("payment",
            Step("refund",    payments.Refund,    refused_by=payments.RefundRefused, given=refund),
            Step("close",     reservation.CloseCancellation)),
    ],
    failed=reservation.keep, cancelled=reservation.keep,  # nothing was cancelled: the trip stands
)
# fmt: on


def strays(*, reservation_id: UUID) -> discrepancies.Claimed:
    """Name what the reconciler found and may take back."""
    found = discrepancies.to_take_back(reservation_id=reservation_id)
    return discrepancies.Claimed(numbers=tuple(int(number) for number in found))


def stray_payments(*, reservation_id: UUID) -> Mapping[str, Mapping[str, Any]]:
    """Give the payments that are held or were taken for no trip, by number of the discrepancy."""
    return discrepancies.to_take_back(reservation_id=reservation_id, remedy="give_back")


def stray_orders(*, reservation_id: UUID) -> Mapping[str, Mapping[str, Any]]:
    """Give the orders that stand at a partner for no trip, by number of the discrepancy."""
    return discrepancies.to_take_back(reservation_id=reservation_id, remedy="cancel_order")


PATIENT = Retry(attempts=30, cap=minutes(10))
"""About four hours: nobody waits for it, and a partner's outage is no reason to call a person."""

# fmt: off
TAKE_BACK = Saga(  # started by the reconciler (booking/reconciler/), never by a traveller
    "take-back", version=1, subject="reservation_id", deadline=minutes(15),
    links=[
        Link("payment",
            Pivot("claim",        discrepancies.Claim,   given=strays),  # from here it only goes on
            Step("give_back",     payments.GiveBack,     each=stray_payments, retry=PATIENT)),
        Link("provider",
            Step("cancel_stray",  providers.CancelStray, refused_by=providers.CancelRefused, each=stray_orders, retry=PATIENT),
            Step("settle",        discrepancies.Settle)),
    ],
    failed=discrepancies.release, cancelled=discrepancies.release,  # nothing was touched: the next look starts another
)
# fmt: on
