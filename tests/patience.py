"""Waiting for what happens elsewhere: another process, a thread, a file."""

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], *, seconds: float = 30.0, what: str = "it") -> Any:
    """Ask until a condition holds, and return what it returned.

    Raises:
        AssertionError: it did not hold within the seconds.
    """
    ends_at = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends_at, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.02)
    return found
