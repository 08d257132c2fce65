"""The commands that start, stop and wake the flow of a booking."""

from functools import partial
from uuid import UUID

from django.db import transaction

from booking import tasks
from booking.orchestrator import control, store
from booking.orchestrator.control import TooLate
from booking.orchestrator.models import SagaInstance
from booking.sagas import CANCEL_RESERVATION, CONFIRM_RESERVATION
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
    reservation.of(account_id=account_id, reservation_id=reservation_id)
    with transaction.atomic():
        if (running := _confirming(reservation_id)) is not None:
            return running.id
        now = store.now()
        try:
            expires_at = reservation.begin_confirmation(reservation_id=reservation_id, at=now)
        except reservation.NotConfirmable:
            # Another request may have started it meanwhile: confirming twice at once is once.
            if (running := _confirming(reservation_id)) is None:
                raise
            return running.id
        if not payments.is_ready(reservation_id=reservation_id):
            raise PaymentDetailsMissing("Enter payment details before confirming.")
        saga = control.start(
            CONFIRM_RESERVATION,
            subject_id=reservation_id,
            # An offer that has expired already is refused by the hold, which says so.
            deadline_at=expires_at if expires_at > now else None,
        )
        # A lost message is harmless: the sweeper picks the saga up.
        transaction.on_commit(partial(tasks.dispatch, saga.id), robust=True)
        return saga.id


def _confirming(reservation_id: UUID) -> SagaInstance | None:
    running = store.live_saga_of(reservation_id)
    return running if running and running.name == CONFIRM_RESERVATION.name else None


def cancel_reservation(*, account_id: UUID, reservation_id: UUID) -> None:
    """Cancel a draft at once, turn the flow that is confirming back, or start the flow that cancels.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
        TooLate: the payment is being taken; ask again when that is settled.
        reservation.NotCancellable: it is already over.
    """
    reservation.of(account_id=account_id, reservation_id=reservation_id)
    with transaction.atomic():
        running = store.live_saga_of(reservation_id)
        if running is not None and running.name == CANCEL_RESERVATION.name:
            return
        saga_id = (
            _start_cancelling(reservation_id)
            if running is None
            else control.request_cancel(subject_id=reservation_id, actor=f"account {account_id}")
        )
        if saga_id is not None:
            transaction.on_commit(partial(tasks.dispatch, saga_id), robust=True)


def _start_cancelling(reservation_id: UUID) -> UUID | None:
    status = reservation.begin_cancellation(reservation_id=reservation_id, at=store.now())
    if status != reservation.Status.CANCELLING:
        return None
    return control.start(CANCEL_RESERVATION, subject_id=reservation_id).id


def wake_saga(*, reservation_id: UUID) -> None:
    """Let a waiting payment be asked about now: the customer acted, or the processor called back."""
    with transaction.atomic():
        saga_id = control.wake(subject_id=reservation_id)
        if saga_id is not None:
            transaction.on_commit(partial(tasks.dispatch, saga_id), robust=True)
