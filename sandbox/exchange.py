"""One HTTP exchange: the call as it came, the answer as it goes."""

import dataclasses
import enum
from typing import Any

import werkzeug


class Delivery(enum.Enum):
    """How an answer reaches its caller, or does not."""

    PLAIN = "plain"
    SLOW = "slow"
    DRIP = "drip"
    HANG = "hang"
    DROP = "drop"
    GARBAGE = "garbage"


@dataclasses.dataclass(frozen=True)
class Answer:
    """A status and a JSON body (or a text), what the ledger remembers of the call, and the way it is delivered."""

    status: int
    body: Any
    effect: str = ""
    delivery: Delivery = Delivery.PLAIN
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


class Rejected(Exception):
    """The call is answered without having had any effect."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer for whoever speaks HTTP."""
        super().__init__(answer.status)
        self.answer = answer


@dataclasses.dataclass
class Call:
    """A request, and what its handler learns about whom it concerns."""

    request: werkzeug.Request
    key: str | None = None
    reference: str | None = None


def problem(status: int, code: str, detail: str, **more: object) -> Answer:
    """Build an error answer of the partner network; its code is its effect in the ledger."""
    return Answer(status, {"code": code, "detail": detail, **more}, code)


def silence(delivery: Delivery, effect: str) -> Answer:
    """Build the answer that never arrives."""
    return Answer(0, None, effect, delivery)
