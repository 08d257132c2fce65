"""A handler with a bug: it fails on the first events of each process, so that later ones are parked behind it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from crm.handlers import crm
from providers.events import LegBooked

TIMES: Final = 2


class Poisoned(Exception):
    """The handler's bug."""


def spoil() -> None:
    """Let CRM's handler of booked legs fail a few times, then work."""
    for number, handler in enumerate(crm.handlers):
        if handler.event_type is LegBooked:
            crm.handlers[number] = replace(handler, function=_failing(handler.function))


def _failing(function: Callable[..., Any]) -> Callable[..., Any]:
    left = [TIMES]

    def fail(event: Any, meta: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise Poisoned
        function(event, meta)

    # The inbox remembers a handler by its name.
    fail.__module__, fail.__qualname__ = function.__module__, function.__qualname__
    return fail
