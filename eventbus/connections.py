"""Redis clients with explicit time-outs and no retries of their own."""

import functools

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

NUDGE_SECONDS = 0.2
CONNECT_SECONDS = 1.0


def client(*, timeout: float, connect_timeout: float = CONNECT_SECONDS) -> redis.Redis:
    """Return a client of the bus's Redis that gives up after `timeout` seconds a reply."""
    return redis.Redis.from_url(
        settings.EVENTBUS_REDIS_URL,
        protocol=2,
        decode_responses=True,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        retry=Retry(NoBackoff(), 0),
    )


@functools.lru_cache(maxsize=1)
def nudging() -> redis.Redis:
    """Return the process-wide client for wake-ups: 0.2 s, so that a request never waits for Redis."""
    return client(timeout=NUDGE_SECONDS, connect_timeout=NUDGE_SECONDS)
