"""Celery in CRM: one task that sends one message, and the hint that there is something to send.

The hint may be lost: `manage.py send_messages` finds what was left.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from celery import shared_task

from config import contexts
from crm import delivery
from outbound import broker

logger = logging.getLogger(__name__)


@shared_task(name="crm.send_message")
def send_message(*, message_id: str, **kwargs: object) -> None:
    """Send one message, if it is still to be sent."""
    delivery.send(message_id=UUID(message_id))


def dispatch(*, message_ids: Sequence[UUID]) -> bool:
    """Publish one task for each message; False when the broker is not there."""
    try:
        with broker.producer() as producer:
            for message_id in message_ids:
                send_message.apply_async(
                    kwargs={"message_id": str(message_id)},
                    queue=contexts.CRM_QUEUE,
                    producer=producer,
                    retry=False,
                )
    except broker.BrokerAway as error:
        logger.warning("messages not dispatched: %s", error)
        return False
    return True
