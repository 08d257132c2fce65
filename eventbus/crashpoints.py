"""Named points at which a process can be made to die, so that tests can prove what survives.

`EVENTBUS_CRASH_AT=<name>:<n>` kills the process with SIGKILL when it comes to the point for the n-th
time; honoured with `DJANGO_DEBUG=1` only. Otherwise a point costs one comparison.
"""

import os
import signal
from typing import Final

from django.conf import settings

VARIABLE: Final = "EVENTBUS_CRASH_AT"
POINTS: Final = (
    "publish.recorded",
    "relay.numbering",
    "relay.numbered",
    "relay.appended",
    "relay.marked",
    "consumer.read",
    "consumer.locked",
    "consumer.handled",
    "consumer.recorded",
    "consumer.moved",
    "consumer.committed",
    "retry.attempted",
)


class CrashPointUnknown(ValueError):
    """`EVENTBUS_CRASH_AT` is not `<name>:<n>` with one of the known names."""


_left: dict[str, int] = {}


def arm() -> None:
    """Read the environment; nothing happens unless it names a point and this is a development process.

    Raises:
        CrashPointUnknown: the variable names no known point.
    """
    _left.clear()
    wanted = os.environ.get(VARIABLE)
    if not wanted or not settings.DEBUG:
        return
    name, _, times = wanted.partition(":")
    if name not in POINTS or not times.isdigit():
        raise CrashPointUnknown(f"{VARIABLE}={wanted}; known: {', '.join(POINTS)}")
    _left[name] = int(times)


def reached(name: str) -> None:
    """Die here if that is what was asked for."""
    if _left and name in _left:
        _left[name] -= 1
        if _left[name] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
