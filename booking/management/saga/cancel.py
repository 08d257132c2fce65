"""`manage.py saga cancel`: ask a running saga to turn back."""

from typing import Any, Final

from django.core.management.base import CommandParser

from booking import tasks
from booking.management.saga import moving
from booking.management.saga.answer import Answer
from booking.orchestrator import control

HELP: Final = (
    "ask a running saga to turn back, as its customer could; too late once the pivot is sent"
)


def declare(parser: CommandParser) -> None:
    """Declare which saga, who and why."""
    moving.declare(parser)


def run(options: dict[str, Any]) -> Answer:
    """Ask the saga to turn back, and dispatch it.

    Raises:
        Declined: there is no such saga, it is over, its pivot was sent, or it turns back already.
    """
    saga_id = options["saga_id"]
    with moving.declining():
        control.request_cancel(saga_id=saga_id, actor=options["actor"], reason=options["reason"])
    tasks.dispatch(saga_id)
    return Answer(value={"cancelling": saga_id}, lines=[f"saga {saga_id} turns back"])
