"""`manage.py saga sweep`: the process that makes every saga end."""

import signal
import sys
from typing import Any, Final

from django.core.management.base import CommandParser

from booking import tasks
from booking.management.saga.answer import Answer
from booking.orchestrator.sweeper import Sweeper
from booking.reconciler.loop import Reconciler

HELP: Final = "find due sagas and dispatch or run them, and reconcile, until SIGTERM"


def declare(parser: CommandParser) -> None:
    """Take no options."""


def run(options: dict[str, Any]) -> Answer:
    """Run the sweeper, and the reconciler beside it, until SIGTERM or Ctrl-C."""
    sweeper, reconciler = Sweeper(dispatch=tasks.dispatch), Reconciler()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sweeper.stop())
    print("sweeping", file=sys.stderr if options["json"] else sys.stdout, flush=True)
    reconciler.start()
    sweeper.run()
    reconciler.stop()
    return Answer(value={"swept": True})
