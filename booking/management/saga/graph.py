"""`manage.py saga graph`: a flow as a diagram."""

from typing import Any, Final

from django.core.management.base import CommandParser

from booking.management.saga import lookup
from booking.management.saga.answer import Answer
from booking.orchestrator import drawing

HELP: Final = "a flow as a Mermaid diagram"


def declare(parser: CommandParser) -> None:
    """Declare what to draw."""
    parser.add_argument("what", nargs="?", default="confirm-reservation")


def run(options: dict[str, Any]) -> Answer:
    """Draw a flow."""
    drawn = drawing.mermaid(lookup.flow(options["what"]))
    return Answer(value={"mermaid": drawn}, lines=[drawn])
