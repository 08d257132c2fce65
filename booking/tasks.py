"""Celery in Booking: a saga compiled to a chain of links, and the task that runs one link.

A message carries the saga's id and a link's name, nothing else. It may be lost, tripled or late: the
link runs only if it is the saga's current one, and the sweeper finds what was lost.
"""

import logging
from functools import partial
from typing import Any, Final
from uuid import UUID

from celery import Task, chain, shared_task
from celery.canvas import Signature
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from booking.orchestrator import control, engine, store
from booking.orchestrator.shape import Direction
from outbound import broker

logger = logging.getLogger(__name__)

COPIES: Final = {"once": 1, "drop": 0, "triple": 3}
"""How often a chain is published: tests drop or triple every dispatch (SAGA_DISPATCH)."""


@shared_task(name="booking.run_link", bind=True)
def run_link(
    self: "Task[Any, Any]",
    /,
    *,
    saga_id: str,
    link: str,
    direction: str = Direction.FORWARD,
    **kwargs: object,
) -> None:
    """Run one link of a saga; end the chain unless the link is done."""
    progress = _advance(UUID(saga_id), link, Direction(direction))
    if progress is not engine.Progress.PASSED:
        self.request.chain = None
    if progress is engine.Progress.TURNED:
        dispatch(UUID(saga_id))


def _advance(saga_id: UUID, link: str, direction: Direction) -> engine.Progress:
    """Run the link; Celery keeps the connection between tasks, and one that broke is replaced once."""
    try:
        return engine.advance(saga_id, link=link, direction=direction)
    except (DatabaseError, InterfaceError):
        connection.close()
    except store.SagaNotFound:
        # It was purged, or PostgreSQL was restored to an earlier point: nothing is left to do.
        logger.warning("saga %s is gone; its message is dropped", saga_id)
        return engine.Progress.STOPPED
    return engine.advance(saga_id, link=link, direction=direction)


def compile_chain(saga_id: UUID) -> "Signature[Any] | None":
    """Compile what a saga has left to do: forward links in order, or those to compensate in reverse."""
    direction, links = control.remaining_links(saga_id)
    signatures = [
        run_link.si(saga_id=str(saga_id), link=link, direction=direction.value).set(queue=link)
        for link in links
    ]
    return chain(*signatures) if signatures else None


def dispatch(saga_id: UUID) -> bool:
    """Publish a saga's remaining chain, within about a second; False when the broker is not there.

    Losing the message is harmless: the sweeper picks the saga up.
    """
    canvas = compile_chain(saga_id)
    if canvas is None:
        return True
    try:
        broker.publish(partial(_publish, canvas))
    except broker.BrokerAway as error:
        logger.warning("saga %s not dispatched: %s", saga_id, error)
        return False
    return True


def _publish(canvas: "Signature[Any]", producer: broker.Producer) -> None:
    for _ in range(COPIES[settings.SAGA_DISPATCH]):
        # A chain ignores `producer`; its connection is what reaches the first task.
        canvas.apply_async(connection=producer.connection, retry=False)
