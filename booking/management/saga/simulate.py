"""`manage.py saga simulate`: what a flow would do, without a server: faults in, timeline out."""

from collections.abc import Callable
from typing import Any, Final

from django.core.management.base import CommandParser

from booking.management.saga import lookup
from booking.management.saga.answer import BAD_ARGUMENTS, NOT_FOUND, Answer, Declined
from booking.orchestrator import testing
from booking.orchestrator.plan import Saga
from booking.orchestrator.simulation import faults
from booking.orchestrator.simulation.faults import ALWAYS, NEVER, Fault
from booking.orchestrator.simulation.run import Ending, simulate
from outbound.call import Idempotency

HELP: Final = "run a flow in memory with faults, and print its timeline; needs no server"
ITEMS: Final = "flight,hotel,car"

Making = Callable[[str, str, str], Fault]
"""Makes a fault of a step, an item and what was said after `=`."""

FAULTS: Final[dict[str, tuple[str, Making]]] = {
    "refuse": ("the other side says no", lambda s, i, _: faults.refuse(s, item=i)),
    "lost": (
        "requests get lost: nothing happens, no answer [=times]",
        lambda s, i, n: faults.lost(s, item=i, times=int(n or 1)),
    ),
    "unanswered": (
        "it happens, but the answers get lost [=times]",
        lambda s, i, n: faults.unanswered(s, item=i, times=int(n or 1)),
    ),
    "unreachable": (
        "nothing leaves this machine [=times; always]",
        lambda s, i, n: faults.unreachable(s, item=i, times=int(n or ALWAYS)),
    ),
    "wait": (
        "the customer must act, and does after [=seconds; never]",
        lambda s, _, n: faults.waits(s, seconds=float(n or NEVER)),
    ),
    "cancel": (
        "the customer cancels when the flow comes here",
        lambda s, _i, _n: faults.cancels(s),
    ),
}


def declare(parser: CommandParser) -> None:
    """Declare the flow, its legs and what goes wrong; WHERE is `step`, `step:item` or `item`."""
    parser.add_argument("what", nargs="?", default="confirm-reservation", help="the flow")
    parser.add_argument("--items", default=ITEMS, help=f"calls of a step with each=…; {ITEMS}")
    for name, (about, _) in FAULTS.items():
        parser.add_argument(f"--{name}", action="append", default=[], metavar="WHERE", help=about)
    for name in ("refuse", "lost", "unanswered", "unreachable"):
        about = f"{FAULTS[name][0]}: the compensation"
        parser.add_argument(
            f"--{name}-compensation", action="append", default=[], metavar="WHERE", help=about
        )
    parser.add_argument(
        "--crash", action="append", default=[], metavar="WHERE:MOMENT",
        help="the worker dies: before-call, after-call or after-record",
    )  # fmt: skip
    parser.add_argument(
        "--class", action="append", default=[], dest="classes", metavar="WHERE=LETTER",
        help="what a partner offers for repeated calls: A, B, C or D",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the jitter")


def run(options: dict[str, Any]) -> Answer:
    """Run the flow.

    Raises:
        Declined: what was said of a fault cannot be understood.
    """
    flow = lookup.flow(options["what"])
    items = [item for item in options["items"].split(",") if item]
    try:
        made, classes = _understood(_Places(flow, items), options)
    except ValueError as error:
        raise Declined("bad_fault", str(error), status=BAD_ARGUMENTS) from error
    return _answer(simulate(flow, *made, items=items, classes=classes, seed=options["seed"]))


def _understood(
    place: "_Places", options: dict[str, Any]
) -> tuple[list[Fault], dict[str, Idempotency]]:
    made = [
        make(*place.of(where), amount)
        for name, (_, make) in FAULTS.items()
        for where, amount in map(_split, options[name])
    ]
    made += [
        faults.back(FAULTS[name][1](*place.of(where), amount))
        for name in ("refuse", "lost", "unanswered", "unreachable")
        for where, amount in map(_split, options[f"{name}_compensation"])
    ]
    made += [_crash(place, said) for said in options["crash"]]
    classes = {
        place.name_of(where): Idempotency(letter)
        for where, letter in map(_split, options["classes"])
    }
    return made, classes


class _Places:
    """What WHERE may mean in a flow."""

    def __init__(self, flow: Saga, items: list[str]) -> None:
        self.steps = flow.steps
        self.items = items
        self.each = [name for name, step in flow.steps.items() if step.each is not None]

    def of(self, where: str) -> tuple[str, str]:
        """Return step and item.

        Raises:
            Declined: the flow has no such place.
        """
        step, _, item = where.partition(":")
        if step in self.items and not item and self.each:
            return self.each[0], step
        if step in self.steps and (not item or (step in self.each and item in self.items)):
            return step, item
        known = ", ".join([*self.steps, *self.items])
        raise Declined("unknown_place", f"{where!r}; known: {known}", status=NOT_FOUND)

    def name_of(self, where: str) -> str:
        """Return a place as one word."""
        return ":".join(part for part in self.of(where) if part)


def _split(said: str) -> tuple[str, str]:
    where, _, amount = said.partition("=")
    return where, amount


def _crash(places: _Places, said: str) -> Fault:
    where, _, moment = said.rpartition(":")
    step, item = places.of(where)
    return faults.crash(step, moment, item=item)


def _answer(ending: Ending) -> Answer:
    sources = {name: step.source for name, step in ending.saga.steps.items()}
    timeline = [{**entry, "code": sources.get(entry["step"], "")} for entry in ending.history]
    standing = [f"{step}:{item}".rstrip(":") for step, item in ending.stands]
    value = {
        "flow": ending.saga.name,
        "state": ending.state,
        "reason": ending.reason,
        "attention_reason": ending.attention_reason,
        "compensated": ending.compensated(),
        "standing": standing,
        "seconds": ending.seconds,
        "timeline": timeline,
    }
    verdict = f"{ending.state} after {ending.seconds:.1f} s"
    if ending.reason:
        verdict += f": {ending.reason}"
    if ending.attention_reason:
        verdict += f"; waits for a person: {ending.attention_reason}"
    left = f"standing: {', '.join(standing) or 'nothing'}"
    return Answer(value=value, lines=[*testing.lines(ending), "", verdict, left])
