"""Telling trouble of the infrastructure from a handler that cannot handle its event."""

from typing import Final

import redis
from django.db import InterfaceError, InternalError, OperationalError

# Connection lost, resources exhausted, shutting down, serialisation or deadlock, lock not available.
INFRASTRUCTURE_CLASSES: Final = frozenset({"08", "53", "57", "40", "55"})
STATEMENT_TIMED_OUT: Final = "57014"
STOOD_STILL: Final = "25P03"  # in a transaction, for longer than PostgreSQL waits


def sqlstate_of(error: BaseException) -> str | None:
    """Return what PostgreSQL says an error of Django's is; None: it is none of PostgreSQL's."""
    return getattr(error.__cause__, "sqlstate", None)


def stood_still(error: BaseException) -> bool:
    """Return whether PostgreSQL ended a transaction because its process did nothing in it."""
    return isinstance(error, InternalError) and sqlstate_of(error) == STOOD_STILL


def is_infrastructure(error: BaseException) -> bool:
    """Return whether the same event may well succeed once PostgreSQL or Redis is back.

    A statement that ran into its time-out is the handler's own doing.
    """
    if isinstance(error, InterfaceError | redis.ConnectionError | redis.TimeoutError):
        return True
    if not isinstance(error, OperationalError):
        return stood_still(error)
    state = sqlstate_of(error)
    if state is None:
        return True
    return state[:2] in INFRASTRUCTURE_CLASSES and state != STATEMENT_TIMED_OUT
