"""What is at stake while a saga waits for a person."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from booking.orchestrator.exposure import exposure_of, totals
from booking.orchestrator.shape import (
    Direction,
    Kind,
    SagaRow,
    SagaState,
    Shape,
    StepRow,
    StepShape,
)

BACK = Direction.COMPENSATE


def _step(name: str, kind: Kind) -> StepShape:
    return StepShape(name=name, link="one", kind=kind, attempts=3, compensated=kind is Kind.BEFORE)


PLAN = Shape(
    name="trip",
    version=1,
    steps=(
        _step("hold", Kind.BEFORE),
        _step("book", Kind.BEFORE),
        _step("capture", Kind.PIVOT),
        _step("refund", Kind.AFTER),
    ),
)
FLIGHT = {"amount": "120.50", "currency": "EUR", "offer_id": "skyways:1"}
HOTEL = {"amount": "300", "currency": "EUR"}


def parked(state: str, *, is_parked: bool = True) -> SagaRow:
    plan = msgspec.json.encode(PLAN).decode()
    return SagaRow(
        state=SagaState(state), parked=is_parked, plan=plan, deadline_at=datetime.now(UTC)
    )


def row(step: str, state: str, item: str = "", **fields: object) -> StepRow:
    return StepRow(step=step, item=item, state=state, **fields)  # type: ignore[arg-type]


TURNED_BACK = [
    row("hold", "done"),
    row("book", "done", "flight", request=FLIGHT),
    row("book", "done", "hotel", given=HOTEL),
    row("hold", "done", direction=BACK),
    row("book", "parked", "flight", direction=BACK),
    row("book", "done", "hotel", direction=BACK),
]


def test_a_leg_that_could_not_be_cancelled_is_at_stake_at_its_price() -> None:
    [leg] = exposure_of(parked("compensating"), TURNED_BACK)

    assert (leg.step, leg.item) == ("book", "flight")
    assert (leg.amount, leg.currency) == (Decimal("120.50"), "EUR")


def test_nothing_is_at_stake_while_the_saga_goes_on_by_itself() -> None:
    assert exposure_of(parked("compensating", is_parked=False), TURNED_BACK) == []


def test_a_loss_that_was_accepted_is_at_stake_no_more() -> None:
    calls = [*TURNED_BACK[:4], row("book", "accepted", "flight", direction=BACK)]

    assert exposure_of(parked("compensating"), calls) == []


@pytest.mark.parametrize(
    ("state", "calls", "at_stake"),
    [
        ("running", [row("book", "unknown", "flight", ambiguous=True, request=FLIGHT)], "120.50"),
        ("running", [row("book", "pending", "flight", request=FLIGHT)], None),
        ("pivoting", [row("capture", "unknown", ambiguous=True, request=HOTEL)], "300"),
        ("pivoting", [row("capture", "refused", "hotel", given=HOTEL)], "300"),
        ("pivoting", [row("capture", "done", given=HOTEL)], None),
        ("finishing", [row("refund", "refused", given=FLIGHT)], "120.50"),
        ("finishing", [row("capture", "done", given=HOTEL), row("refund", "pending")], None),
    ],
)
def test_what_is_at_stake_depends_on_where_the_saga_stands(
    state: str, calls: list[StepRow], at_stake: str | None
) -> None:
    found = [one.amount for one in exposure_of(parked(state), calls)]

    assert found == ([Decimal(at_stake)] if at_stake else [])


def test_what_is_at_stake_is_summed_by_currency() -> None:
    calls = [
        row("book", "done", item, given={"amount": "10", "currency": currency})
        for item, currency in (("a", "EUR"), ("b", "EUR"), ("c", "USD"))
    ]
    calls += [row("book", "refused", item, direction=BACK) for item in "abc"]

    assert totals(exposure_of(parked("compensating"), calls)) == {
        "EUR": Decimal(20),
        "USD": Decimal(10),
    }
