"""What a cancellation does, wherever a reservation stands. Pure Python."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """Where a reservation stands for who wants to cancel it: its flow's state, or else its own status.

    Whether the flow waits for the customer, for a partner or for a person makes no difference.
    """

    DRAFT = "draft"  # its offers may have expired
    RUNNING = "running"  # being booked, the payment not yet begun
    PIVOTING = "pivoting"  # the payment is being taken
    FINISHING = "finishing"  # the payment was taken
    COMPENSATING = "compensating"  # it could not be booked, or is being cancelled
    CONFIRMED = "confirmed"
    CANCELLING = "cancelling"  # confirmed before
    FAILED = "failed"
    CANCELLED = "cancelled"


class Effect(StrEnum):
    """What a cancellation does."""

    CLOSE = "close"  # cancelled at once: nothing was bought
    TURN_BACK = "turn back"  # the flow that books takes everything back
    CANCEL = "cancel"  # a flow of its own cancels every leg and refunds by policy
    JOIN = "join"  # nothing will be kept anyway: the request joins what is on its way
    TOO_LATE = "too late"  # refused: the trip is about to be confirmed; ask again then
    OVER = "over"  # refused: there is nothing to cancel any more


ON_CANCEL: Final[Mapping[Stage, Effect]] = {
    Stage.DRAFT: Effect.CLOSE,
    Stage.RUNNING: Effect.TURN_BACK,
    Stage.PIVOTING: Effect.TOO_LATE,
    Stage.FINISHING: Effect.TOO_LATE,
    Stage.COMPENSATING: Effect.JOIN,
    Stage.CONFIRMED: Effect.CANCEL,
    Stage.CANCELLING: Effect.JOIN,
    Stage.FAILED: Effect.OVER,
    Stage.CANCELLED: Effect.OVER,
}
"""What a cancellation does at each stage; docs/architecture.md repeats it, a test compares the two."""


def stage(*, status: str, booking: str | None, cancelling: bool) -> Stage:
    """Return where a reservation stands.

    `status` is its own, `booking` the state of the flow that is booking it (None: no such flow is
    live), `cancelling` whether the flow that cancels is live.
    """
    if cancelling:
        return Stage.CANCELLING
    if booking is not None:
        return Stage(booking)
    # Between two statements a flow may begin or end; who acts on this looks again when refused.
    return Stage.RUNNING if status in {"confirming", "held"} else Stage(status)
