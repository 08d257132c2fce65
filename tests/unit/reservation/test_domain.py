"""The rules of a reservation."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reservation import domain
from reservation.domain import Status

START = datetime(2027, 3, 8, 9, tzinfo=UTC)
POLICY = [
    {"before": (START - timedelta(days=1)).isoformat(), "refund_percent": 50},
    {"before": (START - timedelta(days=7)).isoformat(), "refund_percent": 100},
]


@pytest.mark.parametrize("current", Status)
@pytest.mark.parametrize("target", Status)
def test_only_moves_of_the_table_are_legal(current: Status, target: Status) -> None:
    if target in domain.TRANSITIONS[current]:
        domain.check_transition(current=current, target=target)
        return

    with pytest.raises(domain.IllegalTransition):
        domain.check_transition(current=current, target=target)


def test_a_cancelled_reservation_stays_cancelled() -> None:
    assert domain.TRANSITIONS[Status.CANCELLED] == frozenset()


@pytest.mark.parametrize(
    ("before_start", "percent"),
    [
        (timedelta(days=8), 100),
        (timedelta(days=7), 50),
        (timedelta(days=2), 50),
        (timedelta(days=1), 0),
        (timedelta(0), 0),
    ],
)
def test_the_first_window_still_open_decides_what_comes_back(
    before_start: timedelta, percent: int
) -> None:
    assert domain.refund_percent(policy=POLICY, at=START - before_start) == percent


def test_without_a_policy_nothing_comes_back() -> None:
    assert domain.refund_percent(policy=[], at=START) == 0


@pytest.mark.parametrize(
    ("amount", "percent", "share"),
    [("99.99", 50, "50.00"), ("101", 50, "51"), ("1.234", 100, "1.234"), ("10.00", 0, "0.00")],
)
def test_a_share_is_rounded_to_the_last_digit_of_the_amount(
    amount: str, percent: int, share: str
) -> None:
    given_back = domain.refund_amount(amount=Decimal(amount), percent=percent)

    assert str(given_back) == share
