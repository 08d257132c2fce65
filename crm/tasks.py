"""Celery in CRM: one task that sends some messages, and the hint that there is something to send.

The hint may be lost: `manage.py send_messages` finds what was left.
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from celery import shared_task

from config import contexts
from crm import delivery
from outbound import broker

logger = logging.getLogger(__name__)


AT_ONCE: Final = 20
"""So many messages share one hint: publishing a hint takes longer than everything else about a message."""


@shared_task(name="crm.send_messages")
def send_messages(*, message_ids: Sequence[str], **kwargs: object) -> None:
    """Send those of the messages that are still to be sent."""
    for message_id in message_ids:
        delivery.send(message_id=UUID(message_id))


def dispatch(*, message_ids: Sequence[UUID]) -> bool:
    """Publish the tasks that send these messages; False when the broker is not there."""
    try:
        broker.publish(partial(_publish, list(message_ids)))
    except broker.BrokerAway as error:
        logger.warning("messages not dispatched: %s", error)
        return False
    return True


def _publish(message_ids: Sequence[UUID], producer: broker.Producer) -> None:
    for start in range(0, len(message_ids), AT_ONCE):
        send_messages.apply_async(
            kwargs={"message_ids": [str(each) for each in message_ids[start : start + AT_ONCE]]},
            queue=contexts.CRM_QUEUE,
            producer=producer,
            retry=False,
        )
