"""What is at stake while a saga waits for a person: which call, how much, in which currency. Pure Python."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from booking.orchestrator.shape import OVER, Direction, Kind, SagaRow, SagaState, StepRow


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """One call that may have to be paid for, or given back, in major units."""

    step: str
    item: str
    amount: Decimal
    currency: str


def exposure_of(saga: SagaRow, calls: Iterable[StepRow]) -> list[Exposure]:
    """Return what a parked saga leaves open, call by call; nothing while it is not parked.

    A call has a price if its request, or what it was given, names `amount` and `currency`.
    """
    rows = list(calls)
    open_calls = [row for row in rows if saga.parked and _is_open(saga, row)]
    forward = {(row.step, row.item): row for row in rows if row.direction is Direction.FORWARD}
    priced = [(row, _price(forward[row.step, row.item])) for row in open_calls]
    return [
        Exposure(step=row.step, item=row.item, amount=price[0], currency=price[1])
        for row, price in priced
        if price is not None
    ]


def totals(exposures: Sequence[Exposure]) -> dict[str, Decimal]:
    """Return currency -> what is at stake in all."""
    sums: dict[str, Decimal] = {}
    for one in exposures:
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    return sums


def _is_open(saga: SagaRow, row: StepRow) -> bool:
    """Whether a call may stand at the other side although it should not, or not although it should."""
    if row.state in OVER:
        return False
    if saga.state is SagaState.COMPENSATING:
        return row.direction is Direction.COMPENSATE
    if row.direction is not Direction.FORWARD:
        return False
    kind = saga.shape.step(row.step).kind
    if saga.state is SagaState.RUNNING:
        return row.may_have_had_an_effect()
    wanted = Kind.PIVOT if saga.state is SagaState.PIVOTING else Kind.AFTER
    return kind is wanted


def _price(row: StepRow) -> tuple[Decimal, str] | None:
    named = {**row.given, **(row.request or {})}
    if "amount" not in named or "currency" not in named:
        return None
    return Decimal(str(named["amount"])), str(named["currency"])
