"""The commands that start, stop and wake the flow of a booking."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from booking import domain, tasks
from booking.orchestrator import control, store
from booking.orchestrator.control import TooLate
from booking.orchestrator.models import SagaInstance
from booking.sagas import CANCEL_RESERVATION, CONFIRM_RESERVATION
from payments import services as payments
from reservation import services as reservation

__all__ = [
    "PaymentDetailsMissing",
    "TooLate",
    "cancel_confirmed",
    "cancel_reservation",
    "confirm_reservation",
    "wake_saga",
]


SETTLING: Final = (
    "something that an earlier attempt left is being taken back; try again in a minute"
)


class PaymentDetailsMissing(Exception):
    """Payment details must be entered before a reservation can be confirmed."""

    code = "payment_details_missing"


def confirm_reservation(*, account_id: UUID, reservation_id: UUID) -> UUID:
    """Start the flow of a booking; return the saga's id. Confirming what is being confirmed returns the same.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
        reservation.NotConfirmable: its status does not allow it, or an earlier attempt is being put right.
        PaymentDetailsMissing: no usable payment details were entered.
    """
    reservation.of(account_id=account_id, reservation_id=reservation_id)
    with transaction.atomic():
        now = store.now()
        try:
            expires_at = reservation.begin_confirmation(reservation_id=reservation_id, at=now)
        except reservation.NotConfirmable:
            # It may be running, since before or since a moment ago: confirming twice is once.
            if (running := _confirming(reservation_id)) is None:
                raise
            return running.id
        if store.live_saga_of(reservation_id) is not None:
            raise reservation.NotConfirmable(SETTLING)
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
    """Do what `domain.ON_CANCEL` says for where the reservation stands.

    Confirming and cancelling at once have one winner, and each is told the truth: whoever is refused
    because the reservation moved on meanwhile looks again.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
        TooLate: the payment is being taken, or something is being put right; ask again when that is settled.
        reservation.NotCancellable: it is already over.
    """
    seen = _look(account_id, reservation_id)
    while True:
        try:
            return _cancel(seen, account_id, reservation_id)
        except (TooLate, reservation.NotCancellable):
            before, seen = seen, _look(account_id, reservation_id)
            if seen == before:
                raise


def cancel_confirmed(*, reservation_id: UUID) -> None:
    """Cancel a trip that is booked, and no other: no flow is turned back for it.

    Raises:
        reservation.ReservationNotFound: there is none.
        reservation.NotCancellable: it is not confirmed.
        TooLate: something is being put right; ask again when that is settled.
    """
    with transaction.atomic():
        saga_id = _begin_cancellation(reservation_id)
        transaction.on_commit(partial(tasks.dispatch, saga_id), robust=True)


@dataclass(frozen=True)
class _Seen:
    """Where a reservation stands, and the flow that is booking it, if one is live."""

    stage: domain.Stage
    booking_id: UUID | None


def _look(account_id: UUID, reservation_id: UUID) -> _Seen:
    found = reservation.of(account_id=account_id, reservation_id=reservation_id)
    flow = store.live_saga_of(reservation_id)
    booking = flow if flow is not None and flow.name == CONFIRM_RESERVATION.name else None
    stage = domain.stage(
        status=found.status,
        booking=booking.state if booking is not None else None,
        # The reconciler's flow changes nothing about where the reservation stands.
        cancelling=flow is not None and flow.name == CANCEL_RESERVATION.name,
    )
    return _Seen(stage, booking.id if booking is not None else None)


def _cancel(seen: _Seen, account_id: UUID, reservation_id: UUID) -> None:
    """Do what the table says, in one transaction; it is refused if the reservation has moved on."""
    with transaction.atomic():
        saga_id = None
        match domain.ON_CANCEL[seen.stage]:
            case domain.Effect.CLOSE:
                reservation.cancel_draft(reservation_id=reservation_id, at=store.now())
            case domain.Effect.TURN_BACK:
                saga_id = _turn_back(seen.booking_id, actor=f"account {account_id}")
            case domain.Effect.CANCEL:
                saga_id = _begin_cancellation(reservation_id)
            case domain.Effect.TOO_LATE:
                raise TooLate("the payment is being taken; ask again when the trip is confirmed")
            case domain.Effect.OVER:
                raise reservation.NotCancellable("the reservation is over")
        if saga_id is not None:
            transaction.on_commit(partial(tasks.dispatch, saga_id), robust=True)


def _turn_back(saga_id: UUID | None, *, actor: str) -> UUID:
    if saga_id is None:
        raise TooLate("nothing is running that could be cancelled")
    # Whoever asks a second time is told the same as the first: nothing will be kept.
    with suppress(control.TurningBack):
        control.request_cancel(saga_id=saga_id, actor=actor)
    return saga_id


def _begin_cancellation(reservation_id: UUID) -> UUID:
    reservation.begin_cancellation(reservation_id=reservation_id, at=store.now())
    if store.live_saga_of(reservation_id) is not None:
        raise TooLate(SETTLING)
    return control.start(CANCEL_RESERVATION, subject_id=reservation_id).id


def wake_saga(*, reservation_id: UUID) -> None:
    """Let a waiting payment be asked about now: the customer acted, or the processor called back."""
    with transaction.atomic():
        saga_id = control.wake(subject_id=reservation_id)
        if saga_id is not None:
            transaction.on_commit(partial(tasks.dispatch, saga_id), robust=True)
