"""Reservations through their door."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import trips

from eventbus.testing import capture
from outbound.call import Refusal
from reservation import services as reservation
from reservation.events import (
    ReservationCancelled,
    ReservationComposed,
    ReservationConfirmed,
    ReservationFailed,
)

pytestmark = pytest.mark.django_db


def status_of(reservation_id: trips.UUID) -> str:
    return reservation.details(reservation_id=reservation_id).status


def test_composing_stores_a_draft_and_tells_it_once() -> None:
    with capture() as published:
        reservation_id = trips.a_draft()

    found = reservation.details(reservation_id=reservation_id)
    assert (found.status, str(found.amount), found.currency) == ("draft", "423.40", "EUR")
    assert [item.kind for item in found.items] == ["flight", "stay"]
    assert [person.given_name for person in found.travellers] == ["Ada"]
    assert found.expires_at == trips.NOW + timedelta(minutes=30)
    published.assert_published(
        ReservationComposed, reservation_id=reservation_id, amount=Decimal("423.40")
    )


@pytest.mark.parametrize(
    ("items", "travellers", "refusal"),
    [
        ([], [trips.a_traveller()], reservation.EmptyReservation),
        ([trips.an_item()], [], reservation.NoTravellers),
        (
            [trips.an_item(), trips.an_item(currency="USD")],
            [trips.a_traveller()],
            reservation.MixedCurrencies,
        ),
        (
            [trips.an_item(), trips.an_item(expires_at=trips.NOW)],
            [trips.a_traveller()],
            reservation.OfferExpired,
        ),
    ],
)
def test_what_makes_no_reservation_is_refused_and_not_told(
    items: list[reservation.NewItem],
    travellers: list[reservation.NewTraveller],
    refusal: type[Refusal],
) -> None:
    with capture() as published, pytest.raises(refusal):
        reservation.compose(
            account_id=trips.ACCOUNT_ID, items=items, travellers=travellers, at=trips.NOW
        )

    published.assert_nothing_published()


def test_a_trip_goes_from_draft_to_confirmed_and_every_step_acts_once() -> None:
    reservation_id = trips.a_held_reservation()
    call = trips.a_call(reservation_id)

    with capture() as published:
        reservation.Hold().apply(call)
        reservation.Confirm().apply(call)
        reservation.Confirm().apply(call)

    found = reservation.details(reservation_id=reservation_id)
    assert (found.status, found.confirmed_at) == ("confirmed", trips.NOW)
    published.assert_published(ReservationConfirmed, reservation_id=reservation_id)
    assert [leg.kind for leg in published.of(ReservationConfirmed)[0].legs] == ["flight", "stay"]


def test_an_offer_that_expires_meanwhile_cannot_be_held() -> None:
    reservation_id = trips.a_draft()
    reservation.begin_confirmation(reservation_id=reservation_id, at=trips.NOW)
    late = trips.a_call(reservation_id, now=trips.NOW + timedelta(minutes=30))

    with pytest.raises(reservation.OfferExpired) as refused:
        reservation.Hold().apply(late)

    assert refused.value.code == "offer_expired"
    assert status_of(reservation_id) == "confirming"


def test_a_released_hold_fails_and_can_be_tried_again() -> None:
    reservation_id = trips.a_held_reservation()
    call = trips.a_call(reservation_id)

    with capture() as published:
        for _ in range(2):
            reservation.Release().apply(call)
        for _ in range(2):
            reservation.fail(reservation_id=reservation_id, reason="sold_out", at=trips.NOW)

    found = reservation.details(reservation_id=reservation_id)
    assert (found.status, found.failure_reason) == ("failed", "sold_out")
    published.assert_published(ReservationFailed, reason="sold_out")
    reservation.begin_confirmation(reservation_id=reservation_id, at=trips.NOW)
    reservation.Hold().apply(call)
    reservation.Confirm().apply(call)
    assert status_of(reservation_id) == "confirmed"


def test_a_released_hold_cannot_be_confirmed() -> None:
    reservation_id = trips.a_held_reservation()
    reservation.Release().apply(trips.a_call(reservation_id))

    with pytest.raises(reservation.IllegalTransition):
        reservation.Confirm().apply(trips.a_call(reservation_id))


def test_a_reservation_that_is_being_confirmed_can_be_neither_confirmed_nor_cancelled_again() -> (
    None
):
    reservation_id = trips.a_held_reservation()

    with pytest.raises(reservation.NotConfirmable) as refused:
        reservation.begin_confirmation(reservation_id=reservation_id, at=trips.NOW)
    with pytest.raises(reservation.NotCancellable):
        reservation.begin_cancellation(reservation_id=reservation_id, at=trips.NOW)

    assert refused.value.code == "reservation_not_confirmable"


def test_a_cancelled_flow_closes_the_reservation_once() -> None:
    reservation_id = trips.a_held_reservation()

    with capture() as published:
        for _ in range(2):
            reservation.cancel(reservation_id=reservation_id, reason="by_traveller", at=trips.NOW)

    assert status_of(reservation_id) == "cancelled"
    published.assert_published(ReservationCancelled, reason="by_traveller")


def test_a_draft_is_cancelled_at_once_and_a_confirmed_trip_is_locked_first() -> None:
    draft, confirmed = trips.a_draft(), trips.a_held_reservation()
    reservation.Confirm().apply(trips.a_call(confirmed))

    reservation.begin_cancellation(reservation_id=confirmed, at=trips.NOW)
    with pytest.raises(reservation.NotCancellable):
        reservation.begin_cancellation(reservation_id=draft, at=trips.NOW)

    reservation.cancel_draft(reservation_id=draft, at=trips.NOW)
    assert (status_of(draft), status_of(confirmed)) == ("cancelled", "cancelling")
    reservation.keep(reservation_id=confirmed, reason="cancel_refused", at=trips.NOW)
    assert status_of(confirmed) == "confirmed"


def test_what_comes_back_follows_the_policy_stored_at_booking() -> None:
    free = trips.an_item(amount=Decimal("10.01"), cancellation_policy=[])
    reservation_id = trips.a_draft(trips.an_item(), free)

    quote = reservation.details(reservation_id=reservation_id).refund_at(trips.NOW)

    assert (quote.amount, sorted(map(str, quote.items.values()))) == (
        Decimal("61.70"),
        ["0.00", "61.70"],
    )


def test_a_quote_is_kept_and_withdrawn_while_the_cancellation_is_under_way() -> None:
    reservation_id = trips.a_held_reservation()
    reservation.Confirm().apply(trips.a_call(reservation_id))
    with pytest.raises(reservation.NotCancelling):
        reservation.refund_quote(reservation_id=reservation_id)
    reservation.begin_cancellation(reservation_id=reservation_id, at=trips.NOW)

    reservation.QuoteRefund().apply(trips.a_call(reservation_id))
    quoted = reservation.details(reservation_id=reservation_id).refund_quote
    reservation.WithdrawQuote().apply(trips.a_call(reservation_id))

    assert quoted == reservation.refund_quote(reservation_id=reservation_id).amount > 0
    assert reservation.details(reservation_id=reservation_id).refund_quote is None


def test_reservations_are_paged_newest_first_and_belong_to_their_account() -> None:
    ids = [trips.a_draft() for _ in range(3)]

    first = reservation.of_account(account_id=trips.ACCOUNT_ID, limit=2)
    last = first[-1]
    rest = reservation.of_account(
        account_id=trips.ACCOUNT_ID, after=(last.created_at, last.reservation_id), limit=2
    )

    assert [row.reservation_id for row in first + rest] == sorted(ids, reverse=True)
    assert reservation.of_account(account_id=uuid4()) == []
    with pytest.raises(reservation.ReservationNotFound):
        reservation.of(account_id=uuid4(), reservation_id=ids[0])


def test_each_leg_says_what_its_provider_needs() -> None:
    reservation_id = trips.a_draft(trips.an_item())

    (item_id, leg), *others = reservation.legs(reservation_id=reservation_id).items()

    assert others == []
    assert leg.to_json() == {
        "item_id": item_id,
        "offer_id": "skyways:off_1",
        "provider_id": str(trips.UUID(int=1)),
        "kind": "flight",
        "amount": "123.40",
        "currency": "EUR",
        "travellers": [
            {"given_name": "Ada", "family_name": "Byron", "born_on": None, "kind": "adult"}
        ],
    }


def test_what_does_not_exist_is_not_found() -> None:
    with pytest.raises(reservation.ReservationNotFound):
        reservation.details(reservation_id=uuid4())
