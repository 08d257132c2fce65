"""Waking the relay after a commit: best effort, never slows or fails a request.

The nudge names the stream, which saves the relay a look at all of them. In a web server a thread sends
it (`in_background`): several commits at once are one wake-up.
"""

import functools
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

import redis

from eventbus import connections

logger = logging.getLogger(__name__)

BREAKER_SECONDS: Final = 5.0
_rest_until: list[float] = [0.0]
_background: list[bool] = [False]


def channel() -> str:
    """Return the channel of our database: Redis keeps one set of channels for all of its databases."""
    arguments = connections.nudging().connection_pool.connection_kwargs
    return f"eb:wake:{arguments.get('db', 0)}"


@functools.cache
def of(stream: str) -> Callable[[], None]:
    """Return what wakes the relay for a stream: the same object each time, so a transaction needs it once."""
    return functools.partial(send, stream)


def send(stream: str) -> None:
    """Publish one wake-up, or let the thread do it."""
    if _background[0]:
        _nudger().wanted.put(stream)
    else:
        publish(stream)


def in_background(on: bool = True) -> None:
    """Leave publishing to a thread from now on: no request of this process waits for Redis."""
    _background[0] = on


class _Nudger(threading.Thread):
    """Publishes a wake-up whenever one is wanted."""

    def __init__(self) -> None:
        super().__init__(name="nudger", daemon=True)
        self.wanted: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self) -> None:
        """Publish until the process ends."""
        while True:
            streams = {self.wanted.get()}
            while not self.wanted.empty():
                streams.add(self.wanted.get())
            for stream in streams:
                publish(stream)


@functools.cache
def _nudger() -> _Nudger:
    """Start the thread, at the first commit: a process that was forked has only what it starts itself."""
    nudger = _Nudger()
    nudger.start()
    return nudger


def publish(stream: str) -> None:
    """Publish one wake-up; after a failure stay silent for 5 s, as the relay polls anyway."""
    if time.monotonic() < _rest_until[0]:
        return
    try:
        connections.nudging().publish(channel(), stream)
    except (redis.RedisError, OSError) as error:
        _rest_until[0] = time.monotonic() + BREAKER_SECONDS
        logger.warning("The relay was not nudged (it polls anyway): %s", error)


def reset() -> None:
    """Close the breaker: the next commit nudges again."""
    _rest_until[0] = 0.0
