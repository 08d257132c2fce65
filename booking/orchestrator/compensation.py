"""How far a saga is taken back, in one word that all its faces show. Pure: no framework."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from booking.orchestrator.shape import Direction, SagaState, StepState


class Compensation(StrEnum):
    """What became of what a saga had done; empty where nothing had to be taken back."""

    NONE = ""
    UNDER_WAY = "compensating"
    INCOMPLETE = (
        "compensation_incomplete"  # something could not be taken back: a person must see to it
    )
    COMPLETE = "compensated"
    LOSS_ACCEPTED = "loss_accepted"  # over, and a person decided to bear what could not be settled


class CallState(Protocol):
    """What is looked at of a call."""

    @property
    def direction(self) -> str:
        """What the call is for."""

    @property
    def state(self) -> str:
        """Where it stands."""


def compensation_of(state: str, calls: Iterable[CallState]) -> Compensation:
    """Return how far a saga in `state` with these calls is taken back."""
    every = [(call.direction, call.state) for call in calls]
    back = {stands for direction, stands in every if direction == Direction.COMPENSATE}
    if state == SagaState.COMPENSATING:
        stuck = back & {StepState.PARKED, StepState.REFUSED}
        return Compensation.INCOMPLETE if stuck else Compensation.UNDER_WAY
    if state in {SagaState.COMPLETED, SagaState.FAILED, SagaState.CANCELLED}:
        if any(stands == StepState.ACCEPTED for _, stands in every):
            return Compensation.LOSS_ACCEPTED
        return Compensation.COMPLETE if back else Compensation.NONE
    return Compensation.NONE
