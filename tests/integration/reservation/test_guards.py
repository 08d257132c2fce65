"""PostgreSQL refuses what the rules refuse, whoever writes."""

from itertools import product

import pytest
import trips
from django.db import IntegrityError, connection, transaction

from reservation import domain
from reservation.models import Item, Reservation

pytestmark = pytest.mark.django_db


def test_the_database_has_the_same_table_of_moves() -> None:
    moves = list(product(domain.Status, repeat=2))

    with connection.cursor() as cursor:
        allowed = {
            (current, target)
            for current, target in moves
            if cursor.execute(
                "SELECT reservation_move_allowed(%s, %s)", [current.value, target.value]
            ).fetchone()[0]
        }

    assert allowed == {(a, b) for a, targets in domain.TRANSITIONS.items() for b in targets}


def test_an_illegal_move_is_refused_by_the_database() -> None:
    reservation_id = trips.a_draft()

    with pytest.raises(IntegrityError, match="illegal move from draft to held"):
        Reservation.objects.filter(pk=reservation_id).update(status="held", held_at=trips.NOW)


def test_a_reservation_starts_as_a_draft() -> None:
    with pytest.raises(IntegrityError, match="must start as a draft"):
        Reservation.objects.create(
            account_id=trips.ACCOUNT_ID,
            status="confirming",
            amount=1,
            currency="EUR",
            created_at=trips.NOW,
        )


@pytest.mark.parametrize("change", [{"amount": 1}, {"title": "another"}, {"position": 9}])
def test_an_item_cannot_be_changed(change: dict[str, object]) -> None:
    reservation_id = trips.a_draft()

    with pytest.raises(IntegrityError, match="immutable"):
        Item.objects.filter(reservation_id=reservation_id, position=1).update(**change)


def test_an_item_cannot_be_deleted() -> None:
    reservation_id = trips.a_draft()

    with pytest.raises(IntegrityError, match="immutable"):
        Item.objects.filter(reservation_id=reservation_id).delete()


def test_an_item_has_the_currency_of_its_reservation() -> None:
    item = Item.objects.get(reservation_id=trips.a_draft(), position=1)
    item.pk, item.position, item.currency, item._state.adding = None, 3, "USD", True
    item.id = trips.uuid4()

    with pytest.raises(IntegrityError, match="has the currency of its reservation"):
        item.save(force_insert=True)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": -1},
        {"currency": "eur"},
        {"currency": "EU"},
        {"confirmed_at": trips.NOW},
        {"failed_at": trips.NOW},
        {"failure_reason": "sold_out"},
        {"cancelled_at": trips.NOW},
    ],
)
def test_a_row_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    reservation_id = trips.a_draft()

    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.filter(pk=reservation_id).update(**change)
