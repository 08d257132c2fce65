"""The rows and the plan as plain values: what `decide` decides on. Pure: no framework."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec


class SagaState(StrEnum):
    """Where a saga stands. Parked is not a state: a parked saga keeps its state and has an `attention_reason`."""

    RUNNING = "running"  # forward, everything can still be taken back
    PIVOTING = "pivoting"  # the pivot was sent: cancelling can no longer win
    FINISHING = "finishing"  # the pivot succeeded: the rest is retried until done
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL: Final = frozenset({SagaState.COMPLETED, SagaState.FAILED, SagaState.CANCELLED})

_State = TypeVar("_State", bound=StrEnum)


def _moves(states: type[_State], table: str) -> dict[_State, frozenset[_State]]:
    """Read lines of `state -> where it may go # why`."""
    found: dict[_State, frozenset[_State]] = {}
    for line in table.strip().splitlines():
        begin, *ends = map(states, line.partition("#")[0].replace("->", "").split())
        found[begin] = found.get(begin, frozenset()).union(ends)
    return found


MOVES: Final = _moves(
    SagaState,
    """
    running      -> pivoting compensating completed
    pivoting     -> finishing compensating
    finishing    -> completed
    compensating -> failed cancelled
    """,
)
"""The only legal moves; a trigger in the database holds the same table."""


class StepState(StrEnum):
    """Where one call stands."""

    PENDING = "pending"  # to be sent when due
    CLAIMED = "claimed"  # somebody is calling; theirs until the lease ends
    UNKNOWN = "unknown"  # sent, no usable answer: probe before sending again
    WAITING = "waiting"  # the customer must act
    VERIFYING = (
        "verifying"  # compensated, but an earlier request may still land: ask again when due
    )
    DONE = "done"
    REFUSED = "refused"
    PARKED = "parked"  # waits for a person
    ACCEPTED = "accepted"  # a person accepted the loss


OVER: Final = frozenset({StepState.DONE, StepState.ACCEPTED})
"""Nothing is left to do about such a call, for anybody."""
SETTLED: Final = OVER | {StepState.REFUSED, StepState.PARKED}
"""Such a call is not made again unless a person says so."""


STEP_MOVES: Final = _moves(
    StepState,
    """
    pending   -> claimed refused parked accepted  # refused: before anything was sent
    pending   -> done                             # a local step has no lease
    pending   -> unknown                          # an earlier request is unanswered, preparing it again failed
    claimed   -> unknown waiting verifying done refused parked
    claimed   -> pending                          # nothing was sent, or it did not arrive
    unknown   -> claimed parked
    unknown   -> done refused accepted            # only by a person, with evidence
    waiting   -> claimed unknown parked
    verifying -> claimed unknown parked
    refused   -> done accepted
    refused   -> pending                          # a person lets it try again
    refused   -> unknown                          # a pivot whose "no" turned out to be wrong
    parked    -> pending done accepted
    """,
)
"""The only legal moves of a call: what is done stays done. A trigger in the database holds the same table."""


class Direction(StrEnum):
    """What a call is for."""

    FORWARD = "forward"
    COMPENSATE = "compensate"
    ANNUL = "annul"  # makes a pivot's "no" count after an unanswered call


class Kind(StrEnum):
    """Where a step stands relative to the pivot."""

    BEFORE = "before"
    PIVOT = "pivot"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True)
class StepShape:
    """A step without its code."""

    name: str
    link: str
    kind: Kind
    attempts: int
    compensated: bool
    annulled: bool = False


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A plan without its code: what an instance runs on until its end, whatever is deployed meanwhile."""

    name: str
    version: int
    steps: tuple[StepShape, ...]

    @property
    def links(self) -> tuple[str, ...]:
        """The names of the links in order."""
        return tuple(dict.fromkeys(step.link for step in self.steps))

    def step(self, name: str) -> StepShape:
        """Return a step by name.

        Raises:
            KeyError: the plan has no such step.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


# What msgspec learns of a type at its first use must not be learnt by several threads at once (with
# msgspec 0.22 that can crash the process): so here, and likewise wherever a type is decoded.
_SHAPE: Final = msgspec.json.Decoder(Shape)


@lru_cache(maxsize=64)
def _shape(plan: str) -> Shape:
    return _SHAPE.decode(plan)


NOT_RETRIED: Final = "not_retried"
"""The reason of a call whose error was not worth another try (`Retry.on`)."""
TIMED_OUT: Final = "action_timed_out"
"""The reason of a call that, asked when the customer's time was over, still waited for the customer."""

CallId = tuple[str, str, "Direction"]
"""What names a call within its saga: step, item, direction."""


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One call as it is stored. Times by the database's clock; `request`, `result`, `given` are JSON-ready."""

    step: str
    item: str = ""
    direction: Direction = Direction.FORWARD
    state: StepState = StepState.PENDING
    attempt: int = 1
    tries: int = 0
    epoch: int = 0
    ambiguous: bool = False
    spent: bool = False
    key: str = ""
    due_at: datetime | None = None
    lease_until: datetime | None = None
    wait_until: datetime | None = None
    sent_at: datetime | None = None
    idempotency: str = ""
    quiet_seconds: float = 0.0
    never_resend: bool = False
    given: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    action: dict[str, Any] | None = None
    reason: str = ""
    error: str = ""

    @property
    def id(self) -> CallId:
        """Return what names this call within its saga."""
        return self.step, self.item, self.direction

    def worn(self, attempts: int) -> bool:
        """Whether this call was tried often enough, or is not worth another try."""
        return self.tries >= attempts or self.reason == NOT_RETRIED

    def live(self, now: datetime) -> bool:
        """Whether somebody is calling right now."""
        return (
            self.state is StepState.CLAIMED
            and self.lease_until is not None
            and self.lease_until > now
        )

    def due(self, now: datetime) -> bool:
        """Whether this call may be claimed."""
        if self.state in SETTLED or self.live(now):
            return False
        return self.due_at is None or self.due_at <= now or self.state is StepState.CLAIMED

    def wakes_at(self, now: datetime) -> datetime:
        """Return when to look at this unsettled call again."""
        at = self.lease_until if self.live(now) else self.due_at
        return at if at is not None else now

    def may_have_had_an_effect(self) -> bool:
        """Whether compensation must cover this forward call (design 3.2: done, unknown or ambiguous)."""
        if self.state in {StepState.PENDING, StepState.REFUSED}:
            return self.ambiguous
        return True


_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class SagaRow:
    """A saga as it is stored; `plan` is the JSON text of its own snapshot, `epoch` rises with each write."""

    state: SagaState
    deadline_at: datetime
    cancel_requested: bool = False
    reason: str = ""
    parked: bool = False
    id: UUID = _NOBODY
    name: str = ""
    subject_id: UUID = _NOBODY
    epoch: int = 0
    due_at: datetime | None = None
    correlation_id: str = ""
    traceparent: str = ""
    plan: str = ""

    @property
    def direction(self) -> Direction:
        """Return which way the saga is going."""
        return Direction.COMPENSATE if self.state is SagaState.COMPENSATING else Direction.FORWARD

    @property
    def shape(self) -> Shape:
        """Return the plan that this saga runs on until its end."""
        return _shape(self.plan)


@dataclass(frozen=True)
class Rows:
    """All calls of one saga, as `decide` asks for them."""

    all: tuple[StepRow, ...]

    def of(self, step: str, direction: Direction = Direction.FORWARD) -> list[StepRow]:
        """Return the calls of one step in one direction."""
        return [row for row in self.all if row.step == step and row.direction is direction]
