"""A saga of toy operations with an outside world in a dictionary: for tests of the engine alone.

The world keeps its own ledger of effects and is told, call by call, how to answer.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from booking.orchestrator.plan import Link, Pivot, Retry, Saga, Step
from outbound.call import (
    Call,
    ErrorAnswered,
    Idempotency,
    NotSent,
    Pause,
    Refusal,
    Traits,
    Waiting,
)


class No(Refusal):
    """The toy world said no."""

    code = "no"


class Crash(Exception):
    """No answer came back."""


@dataclass
class World:
    """What the outside has, and the answers that it will give: one word for each coming call of a step.

    Words: ok, no, lost (no effect, no answer), unanswered (effect, no answer), unsent, wait, error (answered).
    """

    answers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    effects: list[str] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    price: dict[str, str] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    traits: Traits = field(
        default_factory=lambda: Traits(idempotency=Idempotency.A, quiet_seconds=60)
    )
    legs: tuple[str, ...] = ("flight", "hotel")

    def answer(self, name: str) -> str:
        """Return the next word for a call, "ok" when none is prepared."""
        self.calls.append(name)
        return self.answers[name].pop(0) if self.answers[name] else "ok"

    def stands(self, key: str) -> bool:
        """Whether an effect is there and not taken back."""
        return key in self.effects and key not in self.taken_back


WORLD = World()


def reset(**fields: Any) -> World:
    """Make the world new."""
    fresh = World(**fields)
    WORLD.__dict__.update(fresh.__dict__)
    return WORLD


@dataclass(frozen=True)
class Request:
    """What is asked of the toy world."""

    what: str


@dataclass(frozen=True)
class Answer:
    """What it says."""

    key: str


class Remote:
    """A call to the toy world."""

    def pause(self, call: Call) -> Pause | None:
        """Be left alone until the moment that is prepared for this call."""
        pause = WORLD.pauses.get(_name(call))
        return pause if pause and call.now < pause.until else None

    def record_failure(self, error: str, call: Call) -> None:
        """Remember which calls got no usable answer."""
        WORLD.failures.append(_name(call))

    def record_contact(self, call: Call) -> None:
        """Remember which calls got an answer, of whatever kind."""
        WORLD.answered.append(_name(call))

    def prepare(self, call: Call) -> Request:
        """Ask for the step and item."""
        if WORLD.answers[f"prepare {_name(call)}"]:
            WORLD.answers[f"prepare {_name(call)}"].pop(0)
            raise No("refused before anything was sent")
        return Request(_name(call))

    def traits(self, request: Request) -> Traits:
        """Say how far the world can be trusted."""
        return WORLD.traits

    def call(self, request: Request, call: Call) -> Answer:
        """Have the effect, or not, and answer, or not."""
        word = WORLD.answer(request.what)
        if word == "no":
            raise No("no")
        if word == "unsent":
            raise NotSent("the line is down")
        if word == "lost":
            raise Crash("lost")
        if word == "error":
            raise ErrorAnswered("500")
        if word == "wait":
            raise Waiting({"url": "https://example.test"}, seconds=600)
        if call.key not in WORLD.effects:
            WORLD.effects.append(call.key)
        if word == "unanswered":
            raise Crash("unanswered")
        return Answer(call.key)

    def probe(self, request: Request, call: Call) -> Answer | None:
        """Say whether the effect is there."""
        word = WORLD.answer(f"probe {request.what}")
        if word == "lost":
            raise Crash("no answer to the question")
        if word == "wait":
            raise Waiting({"url": "https://example.test"}, seconds=600)
        if word == "no":
            raise No("no")
        return Answer(call.key) if WORLD.stands(call.key) else None

    def record(self, answer: Answer, call: Call) -> None:
        """Remember what the engine told us to record."""
        WORLD.recorded.append(_name(call))


class TakeBack(Remote):
    """Takes an effect back; a tombstone keeps a late one out."""

    refused_by = (No,)
    assumed: ClassVar[Mapping[str, str]] = {"key": "as a person says"}

    def prepare(self, call: Call) -> Request:
        """Ask for the effect to be taken back."""
        assert call.original is not None
        return Request(f"back {_name(call)}|{call.original.key}")

    def call(self, request: Request, call: Call) -> Answer:
        """Take it back, or not."""
        what, _, key = request.what.partition("|")
        word = WORLD.answer(what)
        if word == "no":
            raise No("no way back")
        if word == "lost":
            raise Crash("lost")
        WORLD.taken_back.append(key)
        return Answer(key)


class Local:
    """A step without network."""

    def apply(self, call: Call) -> None:
        """Do it, refuse, or fail."""
        word = WORLD.answer(_name(call))
        if word == "no":
            raise No("no")
        if word == "lost":
            raise Crash("a bug")
        WORLD.effects.append(call.key)


class LocalBack:
    """Takes a local step back."""

    def apply(self, call: Call) -> None:
        """Do it."""
        WORLD.answer(f"back {call.step}")


def legs(*, trip_id: Any) -> dict[str, dict[str, str]]:
    """Return one call for each leg, each at the price that was set, if any."""
    return {leg: {"what": leg, **WORLD.price} for leg in WORLD.legs}


def fail(*, trip_id: Any, reason: str, at: Any) -> None:
    """Note that the saga failed."""
    WORLD.closed.append(("failed", reason))


def cancel(*, trip_id: Any, reason: str, at: Any) -> None:
    """Note that the saga was cancelled."""
    WORLD.closed.append(("cancelled", reason))


def _name(call: Call) -> str:
    return f"{call.step} {call.item}".strip()


_QUICK = Retry(attempts=4, first=1.0, cap=4.0)

TOY = Saga(
    "toy",
    version=1,
    subject="trip_id",
    deadline=900,
    links=[
        Link(
            "reservation",
            Step("hold", Local, compensate=LocalBack, refused_by=No),
            Step("authorise", Remote, compensate=TakeBack, refused_by=No, retry=_QUICK),
        ),
        Link(
            "provider",
            Step("book", Remote, compensate=TakeBack, refused_by=No, each=legs, retry=_QUICK),
        ),
        Link(
            "payment",
            Pivot("capture", Remote, annulled_by=TakeBack, refused_by=No, retry=_QUICK),
            Step("confirm", Local, retry=_QUICK),
        ),
    ],
    failed=fail,
    cancelled=cancel,
)
