"""`manage.py saga resolve`: settle by hand a call that waits for a person."""

import json
from argparse import ArgumentTypeError
from typing import Any, Final

from django.core.management.base import CommandParser

from booking import tasks
from booking.management.saga import moving
from booking.management.saga.answer import Answer
from booking.orchestrator import control
from booking.orchestrator.shape import Direction, StepState

HELP: Final = (
    "settle by hand a call that waits for a person: it happened, it did not, or its loss is borne"
)


def declare(parser: CommandParser) -> None:
    """Declare which call, how it is settled, who says so and how that is known."""
    moving.declare(parser, why="--evidence")
    parser.add_argument("--step", required=True)
    parser.add_argument("--item", default="", help="the leg, where the step has several calls")
    parser.add_argument(
        "--direction",
        choices=[Direction.FORWARD.value, Direction.COMPENSATE.value],
        help="of the call that was looked at; needed where the step is open in both",
    )
    parser.add_argument(
        "--as",
        dest="outcome",
        choices=["done", "refused", "accepted"],
        required=True,
        help="it happened; it certainly did not; its loss is accepted",
    )
    parser.add_argument(
        "--answer",
        type=_answer,
        default={},
        metavar="JSON",
        help='what the other side says of a call that is done: {"order_id": "...", "confirmation_code": "..."};'
        " what follows from its being done may be left out",
    )


def run(options: dict[str, Any]) -> Answer:
    """Settle a call and let the saga go on."""
    saga_id, outcome = options["saga_id"], StepState(options["outcome"])
    names = ("step", "item", "actor", "evidence", "answer")
    details = {name: options[name] for name in names}
    direction = Direction(options["direction"]) if options["direction"] else None
    with moving.declining():
        control.resolve(saga_id=saga_id, direction=direction, outcome=outcome, **details)
    tasks.dispatch(saga_id)
    return Answer(value={"resolved": saga_id}, lines=[f"saga {saga_id} goes on"])


def _answer(text: str) -> dict[str, Any]:
    """Read a JSON object. Raises: ArgumentTypeError."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(told, dict):
        raise ArgumentTypeError("not a JSON object")
    return told
