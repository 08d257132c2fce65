"""What the database holds in the model: sagas, calls, a reservation, the outbox; and the clock.

Times are whole seconds. A row borrows its rules from the real `StepRow`, so that `decide` reads it as is.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from booking.orchestrator.shape import (
    FINAL,
    Direction,
    SagaState,
    Shape,
    StepRow,
    StepState,
)
from outbound.call import Idempotency

LEASE: Final = 10
CALL: Final = 3
GRACE: Final = 2
BACKOFF: Final = 1
POLL: Final = 5
CUSTOMER: Final = 12
"""How long a customer has for 3-D Secure."""


class Row:
    """One call, as `saga_step` holds it."""

    __slots__ = (
        "ambiguous", "attempt", "direction", "due_at", "epoch", "idempotency", "item", "key",
        "lease_until", "quiet", "reason", "sent_at", "spent", "state", "step", "tries", "wait_until",
    )  # fmt: skip

    worn: Any = StepRow.worn
    live: Any = StepRow.live
    due: Any = StepRow.due
    wakes_at: Any = StepRow.wakes_at
    may_have_had_an_effect: Any = StepRow.may_have_had_an_effect

    def __init__(
        self,
        step: str,
        item: str,
        direction: Direction,
        key: str,
        idempotency: Idempotency,
        quiet: int,
    ) -> None:
        self.step, self.item, self.direction, self.key = step, item, direction, key
        self.state, self.reason, self.ambiguous, self.spent = StepState.PENDING, "", False, False
        self.attempt, self.tries, self.epoch = 1, 0, 0
        self.due_at = self.lease_until = self.wait_until = self.sent_at = None
        self.idempotency, self.quiet = idempotency, quiet

    @property
    def never_resend(self) -> bool:
        """Whether nobody can be asked what became of a call."""
        return self.idempotency is Idempotency.D

    def __repr__(self) -> str:
        ambiguous = "?" if self.ambiguous else ""
        return f"{self.direction} {self.step} {self.item}: {self.state}{ambiguous} try {self.tries}"


@dataclass
class Instance:
    """One saga, as `saga` holds it."""

    number: int
    shape: Shape
    deadline_at: int
    due_at: int | None
    rows: list[Row] = field(default_factory=list)
    state: SagaState = SagaState.RUNNING
    cancel_requested: bool = False
    reason: str = ""
    attention: str | None = None

    @property
    def parked(self) -> bool:
        """Whether a person must act."""
        return self.attention is not None

    @property
    def over(self) -> bool:
        """Whether the saga has ended."""
        return self.state in FINAL

    @property
    def cancels(self) -> bool:
        """Whether this is the flow that cancels a confirmed trip."""
        return self.shape.name == "cancel-reservation"

    @property
    def direction(self) -> Direction:
        """Return which way the saga is going."""
        turned = self.state is SagaState.COMPENSATING
        return Direction.COMPENSATE if turned else Direction.FORWARD

    def forward(self, row: Row) -> Row:
        """Return the forward call that a compensation or annulment belongs to."""
        return next(
            other
            for other in self.rows
            if (other.step, other.item) == (row.step, row.item)
            and other.direction is Direction.FORWARD
        )


@dataclass
class Reservation:
    """What the saga is about: its status, and whether the hold was given back."""

    status: str = "draft"
    released: bool = False
