"""The words that an orchestrator and the services it calls share: a call, a refusal, a wait.

An *operation* of a service is a class without state. A **local** one has
`apply(call) -> answer | None`: effect and record in one transaction. A **remote** one has

- `prepare(call) -> Request`   in the first transaction: check, read, no network;
- `call(request, call) -> Answer`   outside any transaction: network only, writes nothing;
- `probe(request, call) -> Answer | None`   ask what became of an earlier call; None = absent;
- `record(answer, call)`   in the second transaction, which counts only if the fence matches: row and event;
- `record_refusal(refusal, call)`   the same for a definite no (optional);
- `record_waiting(waiting, call)`   the same when the customer must act (optional);
- `abandon(call)`   give back what `prepare` locked: the call surely had no effect (optional);
- `pause(call) -> Pause | None`   in the first transaction, each time: not to be called now (optional);
- `record_failure(error, call)`   in the second transaction: no usable answer came (optional);
- `record_contact(call)`   in the second transaction: the other side answered, whatever it said (optional);
- `traits(request) -> Traits`   how far the other side can be trusted with a repeated call;
- `assumed`   what its answer holds when a person says no more than that it is done (optional); what is
  neither there nor in the request must be told.

In a transaction a service writes rows and publishes, nothing else, and catches no error of the database:
whoever is overtaken computes in vain, and what it wrote is not kept.

Requests and answers are frozen dataclasses of JSON-ready fields; they are stored with the call, so
that a retry sends the same bytes. The orchestrator reads their types from the annotations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID


class Refusal(Exception):
    """The other side said a definite no, and nothing happened there."""

    code: ClassVar[str] = "refused"


class Waiting(Exception):
    """Somebody else must act before the call can be answered.

    `action` is what they need to know (JSON-ready); `seconds` is how long to wait for them.
    """

    def __init__(self, action: Mapping[str, Any], *, seconds: float) -> None:
        super().__init__("waiting for an action")
        self.action = dict(action)
        self.seconds = seconds


@dataclass(frozen=True)
class Pause:
    """Not now: the other side is not to be called before `until`; `why` is for people."""

    until: datetime
    why: str


class NotSent(Exception):
    """The request never left this machine, so it cannot have had an effect."""


class ErrorAnswered(Exception):
    """The other side answered, with an error: whatever it saves under our key is saved now."""


class Idempotency(StrEnum):
    """What a partner's interface offers when a call is repeated (design 3.2)."""

    A = "A"  # idempotent by our key, and a cancellation leaves a tombstone
    B = "B"  # idempotent by our key only
    C = "C"  # not idempotent, but can be asked by our reference
    D = "D"  # neither


@dataclass(frozen=True, kw_only=True)
class Traits:
    """How one gateway behaves when a call must be repeated.

    `quiet_seconds`: after this long an unanswered request can no longer take effect.
    `saves_errors`: an error that was answered (`ErrorAnswered`) is replayed for its key, so that only a
    new key can succeed.
    """

    idempotency: Idempotency
    quiet_seconds: float = 30.0
    saves_errors: bool = False


@dataclass(frozen=True, kw_only=True)
class Original:
    """The forward call that a compensation takes back; `result` is None while its outcome is unknown."""

    key: str
    request: Mapping[str, Any]
    result: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of one step, as an operation sees it.

    `subject_id` is what the saga is about (here: the reservation), `item` names one of several
    calls of a step ("" otherwise), `key` is the idempotency key, stable over retries of one
    attempt, `given` is what the flow's glue passed in (JSON-ready), `now` is the database's time.
    """

    saga_id: UUID
    subject_id: UUID
    step: str
    key: str
    now: datetime
    item: str = ""
    attempt: int = 1
    given: Mapping[str, Any] = field(default_factory=dict)
    original: Original | None = None
    seconds: float = 20.0
