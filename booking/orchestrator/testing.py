"""Say in a test what a flow does: given(a flow).when(faults).then(what is true at its end). No servers.

    given(CONFIRM_RESERVATION, items=["flight", "hotel"]).when(
        refuse("book", item="hotel")
    ).then(compensated("book", "authorise", "hold"), state="failed")

It runs the engine's own code in memory (`simulation`), and holds every run to what must always be
true: of a saga that failed or was cancelled nothing stands at the other side, of one that completed
everything does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from booking.orchestrator.plan import Saga
from booking.orchestrator.shape import SagaState
from booking.orchestrator.simulation.faults import (
    Fault,
    annulling,
    back,
    cancels,
    crash,
    lost,
    refuse,
    unanswered,
    unreachable,
    waits,
)
from booking.orchestrator.simulation.run import Ending, simulate

__all__ = [
    "annulling",
    "back",
    "called",
    "cancels",
    "compensated",
    "crash",
    "given",
    "lost",
    "never_called",
    "parked",
    "refuse",
    "standing",
    "told",
    "unanswered",
    "unreachable",
    "waits",
]

Expectation = Callable[[Ending], str]
"""Returns what is not as expected, or the empty string."""


def given(saga: Saga, **circumstances: Any) -> "Story":
    """Begin with a flow; `circumstances` are those of `simulate`: items, classes, seed."""
    return Story(saga, circumstances)


@dataclass(frozen=True)
class Story:
    """A flow and what goes wrong in it."""

    saga: Saga
    circumstances: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Fault] = ()

    def when(self, *faults: Fault) -> "Story":
        """Let these things go wrong, too."""
        return Story(self.saga, self.circumstances, (*self.faults, *faults))

    def then(self, *expectations: Expectation, state: str, reason: str | None = None) -> Ending:
        """Run the flow and check how it ended; return the ending.

        Raises:
            AssertionError: something is not as expected; the message shows the whole run.
        """
        ending = simulate(self.saga, *self.faults, **self.circumstances)
        wrong = [said for expect in (_truthful, *expectations) if (said := expect(ending))]
        if ending.state != SagaState(state):
            wrong.append(f"state: {ending.state}, not {state}")
        if reason is not None and ending.reason != reason:
            wrong.append(f"reason: {ending.reason!r}, not {reason!r}")
        if wrong:
            raise AssertionError("\n".join([*wrong, "", *lines(ending)]))
        return ending


def compensated(*steps: str) -> Expectation:
    """Expect exactly these steps to have been taken back, in this order."""
    return lambda ending: _same("compensated", ending.compensated(), list(steps))


def called(*steps: str) -> Expectation:
    """Expect exactly these steps to have been done, in this order; each once, however many items."""

    def expect(ending: Ending) -> str:
        done = [entry["step"] for entry in ending.history if entry["kind"] == "done"]
        return _same("done", list(dict.fromkeys(done)), list(steps))

    return expect


def never_called(*steps: str) -> Expectation:
    """Expect these steps not to have been tried at all."""

    def expect(ending: Ending) -> str:
        tried = {call.step for call in ending.calls if call.tries}
        return f"tried: {', '.join(sorted(tried & set(steps)))}" if tried & set(steps) else ""

    return expect


def parked(reason: str) -> Expectation:
    """Expect the saga to wait for a person, with these words in its reason."""
    return lambda ending: (
        "" if reason in (ending.attention_reason or "") else f"parked: {ending.attention_reason!r}"
    )


def standing(*places: str) -> Expectation:
    """Expect exactly these effects at the other side at the end: `step` or `step:item`."""
    return lambda ending: _same("standing", sorted(_words(ending)), sorted(places))


def told(*kinds: str) -> Expectation:
    """Expect these kinds of entries in the history, in this order, others in between."""

    def expect(ending: Ending) -> str:
        coming = iter([entry["kind"] for entry in ending.history])
        missing = [kind for kind in kinds if kind not in coming]
        return f"not told in this order: {', '.join(missing)}" if missing else ""

    return expect


def lines(ending: Ending) -> Iterable[str]:
    """Return the run as text, one line for each thing that happened."""
    start = ending.history[0]["at"]
    for entry in ending.history:
        about = ":".join(part for part in (entry["step"], entry["item"]) if part)
        seconds = (entry["at"] - start).total_seconds()
        said = ", ".join(f"{name}={value}" for name, value in entry["detail"].items() if value)
        yield f"+{seconds:8.1f} s  {entry['kind']:16} {about:20} {said}".rstrip()


def _truthful(ending: Ending) -> str:
    """Check what an end promises: nothing stands of what was taken back, nothing lacks of what is complete."""
    if ending.state in {SagaState.FAILED, SagaState.CANCELLED}:
        return f"still standing: {', '.join(_words(ending))}" if ending.stands else ""
    if ending.state is SagaState.COMPLETED:
        every = [(call.step, call.item) for call in ending.calls if call.direction == "forward"]
        return _same("standing", sorted(ending.stands), sorted(every))
    return "" if ending.attention_reason else f"neither over nor parked: {ending.state}"


def _words(ending: Ending) -> list[str]:
    return [f"{step}:{item}" if item else step for step, item in ending.stands]


def _same(what: str, found: object, expected: object) -> str:
    return "" if found == expected else f"{what}: {found}, not {expected}"
