"""What can be asked about accounts and reservations; a stranger's is as good as none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking import narration
from booking.models import Account, SagaInstance
from booking.orchestrator import history, store
from booking.orchestrator.exposure import Exposure
from payments import services as payments
from providers import services as providers
from reservation import services as reservation


class NotATraveller(Exception):
    """The login belongs to no traveller: staff cannot book trips."""

    code = "not_a_traveller"


class NoPayment(Exception):
    """Nobody has said yet how the reservation will be paid."""

    code = "payment_not_found"


@dataclass(frozen=True, kw_only=True)
class AccountDetails:
    """A traveller, as the traveller sees it."""

    account_id: UUID
    email: str
    email_verified_at: datetime | None
    full_name: str
    locale: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ReservationPage:
    """Everything about one reservation; `refund` is what comes back, or would now, if it was confirmed."""

    refund: reservation.RefundQuote | None
    reservation: reservation.ReservationDetails
    orders: dict[UUID, providers.OrderDetails]
    payment: payments.PaymentDetails | None
    progress: history.Progress | None


@dataclass(frozen=True, kw_only=True)
class Everything:
    """All that Booking keeps about one traveller; the trips come without their flows."""

    account: AccountDetails
    trips: Sequence[ReservationPage]


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """One thing that happened, in words; `code` is the line of the flow's table it comes from."""

    at: datetime
    kind: str
    link: str
    step: str
    item: str
    direction: str
    attempt: int
    text: str
    code: str


@dataclass(frozen=True, kw_only=True)
class ParkedSaga:
    """A flow that waits for a person; `exposure` is what is at stake until they have acted."""

    saga_id: UUID
    reservation_id: UUID
    name: str
    state: str
    reason: str
    attention_reason: str
    exposure: Sequence[Exposure]


def account_id_of(*, user_id: UUID) -> UUID:
    """Return the account of a login.

    Raises:
        NotATraveller: the login has none.
    """
    account_id = Account.objects.filter(user_id=user_id).values_list("pk", flat=True).first()
    if account_id is None:
        raise NotATraveller("Only travellers have reservations; sign up as one.")
    return account_id


def account(*, account_id: UUID) -> AccountDetails:
    """Return an account with the address it signs in with."""
    row = Account.objects.select_related("user").get(pk=account_id)
    return AccountDetails(
        account_id=row.id,
        email=row.user.email,
        email_verified_at=row.user.email_verified_at,
        full_name=row.full_name,
        locale=row.locale,
        created_at=row.created_at,
    )


def owned_reservation(*, account_id: UUID, reservation_id: UUID) -> reservation.ReservationDetails:
    """Return an account's reservation.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
    """
    details = reservation.details(reservation_id=reservation_id)
    if details.account_id != account_id:
        raise reservation.ReservationNotFound(str(reservation_id))
    return details


def reservations(
    *,
    account_id: UUID,
    after: tuple[datetime, UUID] | None,
    updated_since: datetime | None = None,
    limit: int,
) -> list[reservation.ReservationSummary]:
    """Return an account's reservations, newest first, those after the one named by `after`."""
    return reservation.of_account(
        account_id=account_id, after=after, updated_since=updated_since, limit=limit
    )


def everything_about(*, account_id: UUID) -> Everything:
    """Return all that Booking keeps about a traveller, in as many statements for many trips as for one."""
    trips = reservation.all_details_of(account_id=account_id)
    ids = [trip.reservation_id for trip in trips]
    payment_of = payments.payments_of(reservation_ids=ids)
    orders = {order.item_id: order for order in providers.orders_of_several(reservation_ids=ids)}
    return Everything(
        account=account(account_id=account_id),
        trips=[
            ReservationPage(
                reservation=trip,
                refund=None,
                orders=orders,
                payment=payment_of.get(trip.reservation_id),
                progress=None,
            )
            for trip in trips
        ],
    )


def payment(*, account_id: UUID, reservation_id: UUID) -> payments.PaymentDetails:
    """Return the current payment of an account's reservation.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
        NoPayment: no payment details were entered.
    """
    reservation.of(account_id=account_id, reservation_id=reservation_id)
    found = payments.payment_of(reservation_id=reservation_id)
    if found is None:
        raise NoPayment("No payment details were entered.")
    return found


def reservation_page(*, account_id: UUID, reservation_id: UUID) -> ReservationPage:
    """Return everything about an account's reservation.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
    """
    # The flow first: its final state and the reservation's are committed together, so that a page
    # which calls the flow finished never shows an older reservation.
    progress = history.progress(subject_id=reservation_id)
    details = owned_reservation(account_id=account_id, reservation_id=reservation_id)
    return ReservationPage(
        reservation=details,
        refund=_refund(details),
        orders={
            order.item_id: order for order in providers.orders_of(reservation_id=reservation_id)
        },
        payment=payments.payment_of(reservation_id=reservation_id),
        progress=progress,
    )


def _refund(details: reservation.ReservationDetails) -> reservation.RefundQuote | None:
    if details.cancelling_at is not None:
        return details.refund_at(details.cancelling_at)
    confirmed = details.status == reservation.Status.CONFIRMED
    return details.refund_at(store.now()) if confirmed else None


def reservation_timeline(*, account_id: UUID, reservation_id: UUID) -> list[TimelineEntry]:
    """Return everything that happened to an account's reservation, oldest first.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
    """
    return timeline_reader(account_id=account_id, reservation_id=reservation_id)(0)


def timeline_reader(
    *, account_id: UUID, reservation_id: UUID
) -> Callable[[int], list[TimelineEntry]]:
    """Return how to read an account's reservation's timeline on from its n-th entry, one statement each time.

    Raises:
        reservation.ReservationNotFound: there is none, or it is another traveller's.
    """
    details = owned_reservation(account_id=account_id, reservation_id=reservation_id)
    titles = {str(item.item_id): item.title for item in details.items}
    return lambda seen: _told(history.timeline(subject_id=reservation_id, skip=seen), titles)


def is_over(*, reservation_id: UUID) -> bool:
    """Return whether a reservation had a flow, and the newest is over."""
    flow = store.latest_saga_of(reservation_id)
    return flow is not None and flow.finished_at is not None


def parked_sagas(*, limit: int) -> list[ParkedSaga]:
    """Return the flows that wait for a person, the oldest first, with what is at stake in each."""
    parked = SagaInstance.objects.exclude(attention_reason=None).order_by("created_at")[:limit]
    exposures = history.exposures([saga.pk for saga in parked])
    return [
        ParkedSaga(
            saga_id=saga.pk,
            reservation_id=saga.subject_id,
            name=saga.name,
            state=saga.state,
            reason=saga.reason,
            attention_reason=saga.attention_reason or "",
            exposure=exposures[saga.pk],
        )
        for saga in parked
    ]


def is_settled(*, reservation_id: UUID) -> bool | None:
    """Return whether the newest flow of a reservation is over; None while only a person can tell."""
    progress = history.progress(subject_id=reservation_id)
    if progress is None or progress.finished_at is not None:
        return True
    return None if progress.attention_reason or progress.action else False


def _told(entries: Sequence[history.Entry], titles: dict[str, str]) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            at=entry.at,
            kind=entry.kind,
            link=entry.link,
            step=entry.step,
            item=entry.item,
            direction=entry.direction,
            attempt=entry.attempt,
            text=narration.sentence(
                flow=entry.saga,
                kind=entry.kind,
                step=entry.step,
                what=titles.get(entry.item, ""),
                detail=entry.detail,
            ),
            code=entry.code,
        )
        for entry in entries
    ]
