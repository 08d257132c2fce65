"""What can go wrong in a simulated run, in the words of the glossary."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from booking.orchestrator.shape import Direction

ALWAYS: Final = 10_000
NEVER: Final = float("inf")


class Kind(StrEnum):
    """What happens to a call, or to the worker that makes it."""

    REFUSE = "refuse"  # a definite no
    LOST = "lost"  # sent, never arrived, no answer: unknown
    UNANSWERED = "unanswered"  # sent, done, no answer: unknown as well
    UNREACHABLE = "unreachable"  # never left this machine
    WAIT = "wait"  # the customer must act
    CANCEL = "cancel"  # the customer cancels when the flow comes to this step
    CRASH_BEFORE_CALL = "before-call"  # the worker dies: claimed, nothing sent
    CRASH_AFTER_CALL = "after-call"  # the worker dies: answered, not recorded
    CRASH_AFTER_RECORD = "after-record"  # the worker dies: recorded, nobody told


CRASHES: Final = frozenset({Kind.CRASH_BEFORE_CALL, Kind.CRASH_AFTER_CALL, Kind.CRASH_AFTER_RECORD})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault: of a step (of all its items, or of one), so many times; `seconds` is when a customer acts."""

    kind: Kind
    step: str
    item: str = ""
    direction: Direction = Direction.FORWARD
    times: int = 1
    seconds: float = NEVER

    def hits(self, step: str, item: str, direction: Direction) -> bool:
        """Whether this is about a call."""
        return (self.step, self.direction) == (step, direction) and self.item in {"", item}


def refuse(step: str, *, item: str = "") -> Fault:
    """Let the other side say no, now and whenever it is asked."""
    return Fault(kind=Kind.REFUSE, step=step, item=item, times=ALWAYS)


def lost(step: str, *, item: str = "", times: int = 1) -> Fault:
    """Let requests get lost on their way: nothing happens, nothing is answered."""
    return Fault(kind=Kind.LOST, step=step, item=item, times=times)


def unanswered(step: str, *, item: str = "", times: int = 1) -> Fault:
    """Let the other side do it, and its answer get lost."""
    return Fault(kind=Kind.UNANSWERED, step=step, item=item, times=times)


def unreachable(step: str, *, item: str = "", times: int = ALWAYS) -> Fault:
    """Let nothing leave this machine, questions included; a local step fails."""
    return Fault(kind=Kind.UNREACHABLE, step=step, item=item, times=times)


def waits(step: str, *, seconds: float = NEVER) -> Fault:
    """Let the customer be asked to act, and act after so many seconds."""
    return Fault(kind=Kind.WAIT, step=step, times=ALWAYS, seconds=seconds)


def cancels(step: str) -> Fault:
    """Let the customer cancel when the flow comes to a step."""
    return Fault(kind=Kind.CANCEL, step=step)


def crash(step: str, moment: str, *, item: str = "") -> Fault:
    """Let the worker die: `before-call`, `after-call` or `after-record`.

    Raises:
        ValueError: there is no such moment.
    """
    kind = Kind(moment)
    if kind not in CRASHES:
        raise ValueError(moment)
    return Fault(kind=kind, step=step, item=item)


def back(fault: Fault) -> Fault:
    """Let a fault happen to the compensation of a step instead."""
    return replace(fault, direction=Direction.COMPENSATE)


def annulling(fault: Fault) -> Fault:
    """Let a fault happen to the annulment of a pivot instead."""
    return replace(fault, direction=Direction.ANNUL)
