"""Make claimed calls side by side, in threads that do network only, under one total deadline each."""

import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from booking.orchestrator.shape import CallId
from outbound.call import Call, ErrorAnswered, NotSent, Waiting

logger = logging.getLogger(__name__)


class Phase(StrEnum):
    """What is asked of the other side."""

    SEND = "send"
    PROBE = "probe"  # what became of my earlier call?
    VERIFY = "verify"  # is what I compensated really gone?


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A call that this worker has leased: everything needed to make it without the database."""

    id: CallId
    epoch: int
    phase: Phase
    operation: Any
    request: Any
    call: Call
    refused_by: tuple[type[Exception], ...]
    retry_on: tuple[type[Exception], ...]
    not_after: float  # by time.monotonic(): later the lease could end during the call

    @property
    def leased_until(self) -> float:
        """Return when the lease ends, by time.monotonic()."""
        return self.not_after + self.call.seconds


@dataclass(frozen=True)
class Answered:
    """The other side did it (or, asked, says that it is done)."""

    answer: Any


@dataclass(frozen=True)
class Absent:
    """Asked, the other side knows nothing of the call."""


@dataclass(frozen=True)
class Refused:
    """A definite no."""

    refusal: Exception


@dataclass(frozen=True)
class MustWait:
    """The customer must act."""

    waiting: Waiting


@dataclass(frozen=True)
class Failed:
    """Technical trouble.

    `sent` is False when the request surely never left, `answered` is set when an error came back for
    it, `ours` when it says nothing about the other side; `again` is False when the error is not worth
    another try (`Retry.on`).
    """

    error: str
    sent: bool = True
    answered: bool = False
    ours: bool = False
    again: bool = True


Outcome = Answered | Absent | Refused | MustWait | Failed


def make(claims: Sequence[Claim]) -> Iterator[tuple[Claim, Outcome]]:
    """Make all calls at once and yield each with its outcome as it comes in.

    A call that has not answered within its `seconds` is reported as failed, sent; its thread is
    abandoned and whatever it still hears is ignored: the fence would refuse it anyway.
    """
    answers: queue.SimpleQueue[tuple[Claim, Outcome]] = queue.SimpleQueue()
    for claim in claims:
        threading.Thread(
            target=copy_context().run,
            args=(_make_one, claim, answers),
            name=f"call-{claim.call.step}-{claim.call.item}",
            daemon=True,
        ).start()
    open_claims = {claim.id: claim for claim in claims}
    ends_at = time.monotonic() + max((claim.call.seconds for claim in claims), default=0)
    while open_claims:
        try:
            claim, outcome = answers.get(timeout=max(0.0, ends_at - time.monotonic()))
        except queue.Empty:
            yield from (
                (late, Failed("no answer within the deadline")) for late in open_claims.values()
            )
            return
        del open_claims[claim.id]
        yield claim, outcome


def _make_one(claim: Claim, answers: "queue.SimpleQueue[tuple[Claim, Outcome]]") -> None:
    answers.put((claim, outcome_of(claim)))


def outcome_of(claim: Claim) -> Outcome:
    """Make one call in this thread and say what came of it; never raises."""
    if time.monotonic() > claim.not_after:
        return Failed("this worker slept through its lease", sent=False, ours=True)
    try:
        if claim.phase is Phase.SEND:
            return Answered(claim.operation.call(claim.request, claim.call))
        answer = claim.operation.probe(claim.request, claim.call)
    except claim.refused_by as refusal:
        return Refused(refusal)
    except Waiting as waiting:
        return MustWait(waiting)
    except Exception as error:  # noqa: BLE001 - whatever went wrong is recorded as the outcome
        sent = not isinstance(error, NotSent)
        if sent:
            logger.warning(
                "%s %s: %s: %s", claim.phase, claim.call.key, type(error).__name__, error
            )
        return Failed(
            f"{type(error).__name__}: {error}",
            sent=sent,
            answered=claim.phase is Phase.SEND and isinstance(error, ErrorAnswered),
            again=isinstance(error, claim.retry_on),
        )
    return Absent() if answer is None else Answered(answer)
