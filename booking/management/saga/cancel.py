"""`manage.py saga cancel`: ask a running saga to turn back."""

from typing import Any, Final

from django.core.management.base import CommandParser

from booking import tasks
from booking.management.saga import lookup, moving
from booking.management.saga.answer import NOT_ALLOWED, Answer, Declined
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
        Declined: there is no such saga, it is over, or its pivot was sent.
    """
    saga = lookup.saga(str(options["saga_id"]))
    if saga.finished_at is not None:
        raise Declined("too_late", f"saga {saga.pk} is {saga.state}", status=NOT_ALLOWED)
    with moving.declining():
        control.request_cancel(
            subject_id=saga.subject_id, actor=options["actor"], reason=options["reason"]
        )
    tasks.dispatch(saga.pk)
    return Answer(value={"cancelling": saga.pk}, lines=[f"saga {saga.pk} turns back"])
