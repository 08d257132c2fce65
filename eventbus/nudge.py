"""Waking the relay after a commit: best effort, never slows or fails a request."""

import logging
import time
from typing import Final

import redis

from eventbus import connections

logger = logging.getLogger(__name__)

BREAKER_SECONDS: Final = 5.0
_rest_until: list[float] = [0.0]


def channel() -> str:
    """Return the channel of our database: Redis keeps one set of channels for all of its databases."""
    arguments = connections.nudging().connection_pool.connection_kwargs
    return f"eb:wake:{arguments.get('db', 0)}"


def send() -> None:
    """Publish one wake-up; after a failure stay silent for 5 s, as the relay polls anyway."""
    if time.monotonic() < _rest_until[0]:
        return
    try:
        connections.nudging().publish(channel(), "")
    except (redis.RedisError, OSError) as error:
        _rest_until[0] = time.monotonic() + BREAKER_SECONDS
        logger.warning("The relay was not nudged (it polls anyway): %s", error)


def reset() -> None:
    """Close the breaker: the next commit nudges again."""
    _rest_until[0] = 0.0
