"""`manage.py saga sweep`: the process that makes every saga end."""

import signal
import sys
from typing import Any, Final

from django.core.management.base import CommandParser

from booking import tasks
from booking.management.saga.answer import Answer
from booking.orchestrator.sweeper import Sweeper

HELP: Final = "find due sagas and dispatch or run them, until SIGTERM"


def declare(parser: CommandParser) -> None:
    """Take no options."""


def run(options: dict[str, Any]) -> Answer:
    """Run the sweeper until SIGTERM or Ctrl-C."""
    sweeper = Sweeper(dispatch=tasks.dispatch)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sweeper.stop())
    print("sweeping", file=sys.stderr if options["json"] else sys.stdout, flush=True)
    sweeper.run()
    return Answer(value={"swept": True})
