"""Turn signals into one orderly stop: Ctrl-C, `kill` and a closed terminal alike."""

import signal
import time
from types import FrameType

_ONE_PRESS = 2.0
_last: list[float] = []


def stop_on_signals() -> None:
    """Raise KeyboardInterrupt for Ctrl-C and SystemExit(128 + number) for SIGTERM and SIGHUP.

    Signals within two seconds of the first one are the same press: make and the terminal may both
    send it. A later one means: at once.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _handle)


def _handle(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _last and now - _last[0] < _ONE_PRESS:
        return
    _last[:] = [now]
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
