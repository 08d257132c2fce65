"""Publishing: one Django signal in the caller's transaction, of which the bus is the only receiver."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

from eventbus.events import Event

event_published: Final = Signal()
"""Sent as `send(sender=type(event), event=event)`: an outbox write that fails aborts the transaction."""


class NotInTransaction(RuntimeError):
    """An event was published outside a transaction, where it could not be tied to what it tells of."""


class BusNotInstalled(RuntimeError):
    """Nobody recorded the event: the app `eventbus` is not installed."""


def publish(event: Event) -> UUID:
    """Record that something has happened, in the caller's transaction; return the event's id.

    The caller holds the row lock of the aggregate that the event's key names, or writes its row by
    version in the same transaction: that is what keeps the order per key.

    Raises:
        NotInTransaction: there is no transaction to be part of.
        EventInvalid: a field has the wrong type.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInTransaction(f"publish({event.wire_name}) outside transaction.atomic()")
    answers: list[tuple[Any, Any]] = event_published.send(sender=type(event), event=event)
    ids = [answer for _, answer in answers if isinstance(answer, UUID)]
    if not ids:
        raise BusNotInstalled(event.wire_name)
    return ids[0]
