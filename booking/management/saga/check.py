"""`manage.py saga check`: may this code be deployed? Run it with the new code before a deploy.

It looks for flows, steps and compensations, and reads what live calls have stored with the new types.
"""

from typing import Any, Final

from django.core.management.base import CommandParser

from booking.management.saga.answer import OK, WRONG, Answer
from booking.orchestrator import deploys

HELP: Final = "exit 1 if a live saga needs what this code lacks, or has stored what it cannot read"


def declare(parser: CommandParser) -> None:
    """Take no options."""


def run(options: dict[str, Any]) -> Answer:
    """Name what live sagas need and this code lacks."""
    missing = deploys.missing()
    lines = [f"{lack.saga_id}  {lack.name} v{lack.version} needs {lack.what}" for lack in missing]
    return Answer(value=missing, lines=lines, status=WRONG if missing else OK)
