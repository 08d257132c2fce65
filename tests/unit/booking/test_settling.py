"""What a person must tell of a call that is done: for every remote operation of every flow."""

from collections.abc import Iterator
from dataclasses import fields

import pytest

from booking import sagas
from booking.orchestrator import operations, settling
from booking.orchestrator.plan import Saga
from booking.orchestrator.shape import Direction, StepRow
from booking.orchestrator.simulation.memory import MemoryWork, started

FLOWS = (sagas.CONFIRM_RESERVATION, sagas.CANCEL_RESERVATION, sagas.TAKE_BACK)
NEEDED = {
    "Authorise": [],
    "Void": [],
    "Book": ["order_id", "confirmation_code"],
    "Cancel": [],
    "Capture": [],
    "Annul": [],
    "Refund": ["refund_id"],
    "GiveBack": ["outcome"],
    "CancelStray": [],
}
"""Operation -> the facts that follow from nothing that we know."""


def calls() -> Iterator[tuple[Saga, StepRow]]:
    """Yield every call that a flow may make, with the fields of its request, remote or not."""
    for flow in FLOWS:
        for step in flow.steps.values():
            directions = {
                Direction.FORWARD: step.operation,
                Direction.COMPENSATE: step.compensate,
                Direction.ANNUL: getattr(step, "annulled_by", None),
            }
            for direction, operation in directions.items():
                if operation is not None:
                    yield (
                        flow,
                        StepRow(step=step.name, direction=direction, request=asked(operation)),
                    )


def asked(operation: type) -> dict[str, str] | None:
    if not hasattr(operation, "prepare"):
        return None
    return {one.name: "" for one in fields(operations.type_of(operation, "prepare"))}


@pytest.mark.parametrize(("flow", "call"), list(calls()), ids=lambda one: getattr(one, "name", ""))
def test_what_follows_from_nothing_must_be_told(flow: Saga, call: StepRow) -> None:
    work = MemoryWork(started(flow, ["flight"]))
    operation = operations.operation_of(flow.steps[call.step], call.direction)

    if hasattr(operation, "apply"):
        with pytest.raises(settling.NotResolvable, match="repair its cause"):
            settling.facts_needed(work, call)
    else:
        assert settling.facts_needed(work, call) == NEEDED[operation.__name__]


def test_every_operation_is_looked_at() -> None:
    remote = {
        operations.operation_of(flow.steps[call.step], call.direction).__name__
        for flow, call in calls()
        if call.request is not None
    }

    assert remote == set(NEEDED)
