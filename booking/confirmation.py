"""The commands that start, stop and wake the flow of a booking."""

from functools import partial
from uuid import UUID

from django.db import transaction

from booking import tasks
from booking.orchestrator import control, store
from booking.orchestrator.control import TooLate
from booking.sagas import CONFIRM_RESERVATION
from payments import services as payments
from reservation import services as reservation

__all__ = [
    "PaymentDetailsMissing",
    "TooLate",
    "cancel_reservation",
    "confirm_reservation",
    "wake_saga",
]


class PaymentDetailsMissing(Exception):
    """Payment details must be entered before a reservation can be confirmed."""

    code = "payment_details_missing"


def confirm_reservation(*, account_id: UUID, reservation_id: UUID) -> UUID:
    """Start the flow of a booking; return the saga's id. Confirming what is being confirmed returns the same.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
        reservation.NotConfirmable: its status does not allow it.
        PaymentDetailsMissing: no usable payment details were entered.
    """
    trip = _own(account_id=account_id, reservation_id=reservation_id)
    with transaction.atomic():
        if (running := store.live_saga_of(reservation_id)) is not None:
            return running.id
        now = store.now()
        reservation.begin_confirmation(reservation_id=reservation_id, at=now)
        if not payments.is_ready(reservation_id=reservation_id):
            raise PaymentDetailsMissing("Enter payment details before confirming.")
        saga = control.start(
            CONFIRM_RESERVATION,
            subject_id=reservation_id,
            # An offer that has expired already is refused by the hold, which says so.
            deadline_at=trip.expires_at if trip.expires_at > now else None,
        )
        # A lost message is harmless: the sweeper picks the saga up.
        transaction.on_commit(partial(tasks.dispatch, saga.id), robust=True)
        return saga.id


def cancel_reservation(*, account_id: UUID, reservation_id: UUID) -> None:
    """Cancel a draft at once, or ask the flow that is confirming it to turn back.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
        TooLate: the payment is being taken, or the trip is confirmed.
        reservation.NotCancellable: it is already over.
    """
    trip = _own(account_id=account_id, reservation_id=reservation_id)
    if trip.status == reservation.Status.CONFIRMED:
        raise TooLate("The trip is confirmed; this version cancels only before the payment.")
    with transaction.atomic():
        if store.live_saga_of(reservation_id) is None:
            reservation.begin_cancellation(reservation_id=reservation_id, at=store.now())
            return
        saga_id = control.request_cancel(subject_id=reservation_id, actor=f"account {account_id}")
        transaction.on_commit(partial(tasks.dispatch, saga_id), robust=True)


def _own(*, account_id: UUID, reservation_id: UUID) -> reservation.ReservationDetails:
    trip = reservation.details(reservation_id=reservation_id)
    if trip.account_id != account_id:
        raise reservation.ReservationNotFound(str(reservation_id))
    return trip


def wake_saga(*, reservation_id: UUID) -> None:
    """Let a waiting payment be asked about now: the customer acted, or the processor called back."""
    with transaction.atomic():
        saga_id = control.wake(subject_id=reservation_id)
        if saga_id is not None:
            transaction.on_commit(partial(tasks.dispatch, saga_id), robust=True)
