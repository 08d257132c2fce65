"""The one door to the broker: publish within about a second, or learn that it is away.

Celery's defaults can hang a request for minutes when Redis does not answer; here a message is a hint,
so whoever publishes gives up quickly and leaves the rest to a sweep.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from django.conf import settings
from kombu import Connection, Producer, pools

PAUSE_SECONDS: Final = 5.0
_away_until = 0.0


class BrokerAway(Exception):
    """Nothing (or not everything) was published; the broker is left alone for some seconds."""


@contextmanager
def producer() -> Iterator[Producer]:
    """Lend a producer for `apply_async(producer=…, retry=False)`.

    Raises:
        BrokerAway: the broker does not answer, or did not a moment ago.
    """
    global _away_until
    if time.monotonic() < _away_until:
        raise BrokerAway("left alone after a failure")
    try:
        with pools.producers[_connection()].acquire(block=True, timeout=1) as lent:
            yield lent
    except Exception as error:
        _away_until = time.monotonic() + PAUSE_SECONDS
        raise BrokerAway(f"{type(error).__name__}: {error}") from error


def forget() -> None:
    """Forget the connection and any failure: the settings name another broker now (tests)."""
    global _away_until
    _away_until = 0.0
    _connection.cache_clear()


@cache
def _connection() -> Connection:
    return Connection(
        settings.CELERY_BROKER_URL,
        connect_timeout=1,
        transport_options={
            **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
            "retry_on_timeout": False,
            "max_retries": 0,
        },
    )
