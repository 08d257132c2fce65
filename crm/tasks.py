"""Celery in CRM: one task that sends one message, and the hint that there is something to send.

The hint may be lost: `manage.py send_messages` finds what was left.
"""

import logging
import time
from collections.abc import Sequence
from functools import cache
from typing import Final
from uuid import UUID

from celery import shared_task
from django.conf import settings
from kombu import Connection, pools

from config import contexts
from crm import delivery

logger = logging.getLogger(__name__)

_PAUSE: Final = 5.0
_silent_until = 0.0


@shared_task(name="crm.send_message")
def send_message(*, message_id: str, **kwargs: object) -> None:
    """Send one message, if it is still to be sent."""
    delivery.send(message_id=UUID(message_id))


def dispatch(*, message_ids: Sequence[UUID]) -> bool:
    """Publish one task for each message; False when the broker is not there.

    After a failure the broker is left alone for some seconds, so that a consumer catching up while
    Redis is down is not slowed by every single message.
    """
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        with pools.producers[_publishing_connection()].acquire(block=True, timeout=1) as producer:
            for message_id in message_ids:
                send_message.apply_async(
                    kwargs={"message_id": str(message_id)},
                    queue=contexts.CRM_QUEUE,
                    producer=producer,
                    retry=False,
                )
    except Exception as error:  # noqa: BLE001 - whatever the broker's client raises, the sweep is the answer
        logger.warning("messages not dispatched: %s: %s", type(error).__name__, error)
        _silent_until = time.monotonic() + _PAUSE
        return False
    return True


@cache
def _publishing_connection() -> Connection:
    """Return a connection that gives up after a second."""
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
