"""The one door to the broker: publish within about a second, or learn that it is away.

Celery's defaults can hang a request for minutes when Redis does not answer; here a message is a hint,
so whoever publishes gives up quickly and leaves the rest to a sweep. A web server does not wait at all: it
publishes from a thread (`in_background`).
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings
from kombu import Connection, Producer, pools

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 5.0
MOST_WAITING: Final = 100
__all__ = ["BrokerAway", "Producer", "forget", "in_background", "producer", "publish"]

_away_until = 0.0
_publisher: ThreadPoolExecutor | None = None
_places: Final = BoundedSemaphore(MOST_WAITING)


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


def publish(send: Callable[[Producer], None]) -> None:
    """Let `send` publish with a producer; in a process that called `in_background`, after this returns.

    What is handed to the thread may be lost without a word, as any message may.

    Raises:
        BrokerAway: the broker does not answer, or did not a moment ago.
    """
    if _publisher is None:
        _send(send)
        return
    if time.monotonic() < _away_until or not _places.acquire(blocking=False):
        raise BrokerAway("left alone after a failure, or too much is waiting")
    _publisher.submit(_send_and_log, send)


def in_background(on: bool = True) -> None:
    """Publish from a thread from now on: no request of this process waits for the broker."""
    global _publisher
    if _publisher is not None:
        _publisher.shutdown()
    _publisher = ThreadPoolExecutor(1, thread_name_prefix="broker") if on else None


def _send(send: Callable[[Producer], None]) -> None:
    with producer() as lent:
        send(lent)


def _send_and_log(send: Callable[[Producer], None]) -> None:
    try:
        _send(send)
    except BrokerAway as error:
        logger.warning("a message was not published: %s", error)
    finally:
        _places.release()


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
