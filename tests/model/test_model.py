"""The algorithm, tried at every crash point: a part of what `python -m tests.model` does."""

import pytest

from booking.orchestrator.shape import Shape, StepShape
from booking.sagas import CANCEL_RESERVATION, CONFIRM_RESERVATION
from outbound.call import Idempotency
from tests.model import plans
from tests.model.explore import Report, at_random, exhaustively, sampled
from tests.model.world import A, B, C, D, Setting

SMALL = {
    "two legs, a crash": Setting(crashes=1),
    "two legs, a fault": Setting(faults=1),
    "a crash and a fault, class A": Setting(partners=(A,), crashes=1, faults=1),
    "a crash and a fault, class B": Setting(partners=(B,), crashes=1, faults=1),
    "a crash and a fault, class C": Setting(partners=(C,), crashes=1, faults=1),
    "a fault, class D": Setting(partners=(D,), faults=1),
    "a cancellation at any point": Setting(partners=(A,), faults=1, cancels=1),
    "3-D Secure": Setting(partners=(A,), faults=1, wait=True, cancels=1),
    "a sleeping worker": Setting(partners=(B,), sleeps=1, cancels=1),
}


def _outline(shape: Shape) -> list[StepShape]:
    return [StepShape(**{**_fields(step), "attempts": 0}) for step in shape.steps]


def _fields(step: StepShape) -> dict[str, object]:
    return {name: getattr(step, name) for name in step.__dataclass_fields__}


def test_the_model_has_the_very_flows_of_booking() -> None:
    assert _outline(plans.confirming(4)) == _outline(CONFIRM_RESERVATION.shape())
    assert _outline(plans.cancelling(4)) == _outline(CANCEL_RESERVATION.shape())
    flows = [*CONFIRM_RESERVATION.steps.values(), *CANCEL_RESERVATION.steps.values()]
    assert {step.name for step in flows if step.local} == plans.LOCAL


@pytest.mark.parametrize("name", SMALL)
def test_no_choice_breaks_an_invariant(name: str) -> None:
    report = exhaustively(SMALL[name])

    assert report.complete
    assert not report.found, _told(report)


@pytest.mark.parametrize("partners", [(A, B), (C, A), (B, C)])
def test_nor_does_chance_where_there_are_too_many_choices(
    partners: tuple[Idempotency, ...],
) -> None:
    everything = Setting(
        partners=partners,
        crashes=2,
        faults=2,
        cancels=1,
        sleeps=1,
        delays=1,
        wait=True,
        stubborn=True,
    )

    for report in (
        sampled(everything, seeds=range(300)),
        at_random(Setting(partners=everything.partners, faults=6, cancels=2), seeds=range(200)),
    ):
        assert not report.found, _told(report)


@pytest.mark.parametrize(
    ("idempotency", "harm"), [(A, set()), (B, {"orphan booking"}), (C, {"double booking"})]
)
def test_no_clock_can_prevent_that_a_worker_sleeps_between_its_look_at_the_lease_and_the_send(
    idempotency: Idempotency, harm: set[str]
) -> None:
    """Only a partner that leaves tombstones (A) is safe from it; the others need their ledgers compared."""
    setting = Setting(
        partners=(idempotency,), sleeps=1, cancels=1, quiet=5, asleep_at_the_send=True
    )

    report = exhaustively(setting, first=True)

    assert report.found.keys() >= harm
    assert bool(report.found) is bool(harm)


def _told(report: Report) -> str:
    return "\n\n".join("\n".join([what, *trace]) for what, trace in report.found.items())
