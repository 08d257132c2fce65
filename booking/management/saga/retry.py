"""`manage.py saga retry`: let a parked saga try again."""

from typing import Any, Final

from django.core.management.base import CommandParser

from booking import tasks
from booking.management.saga import moving
from booking.management.saga.answer import Answer
from booking.orchestrator import control

HELP: Final = "let a parked saga try again"


def declare(parser: CommandParser) -> None:
    """Declare which saga, who and why."""
    moving.declare(parser)


def run(options: dict[str, Any]) -> Answer:
    """Let a parked saga try again and dispatch it."""
    saga_id = options["saga_id"]
    with moving.declining():
        control.retry(saga_id=saga_id, actor=options["actor"], reason=options["reason"])
    tasks.dispatch(saga_id)
    return Answer(value={"retried": saga_id}, lines=[f"saga {saga_id} tries again"])
