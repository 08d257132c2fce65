"""Sending several statements without waiting for the answer to each: most of a short transaction is waiting."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Final

from django.db import connection

_lasting: Final[ContextVar[ExitStack | None]] = ContextVar("eventbus_pipeline", default=None)


@contextmanager
def pipelined() -> Iterator[None]:
    """Let statements of the block be on their way together; an answer is waited for when it is fetched.

    An error of a statement comes when its answer is waited for, at the latest at the end of the block, so
    nothing in the block may depend on catching one. Nor on `rowcount`, as the ORM's writes do.
    """
    connection.ensure_connection()
    lasting = _lasting.get()
    with connection.wrap_database_errors, ExitStack() as stack:
        (stack if lasting is None else lasting).enter_context(connection.connection.pipeline())
        yield


@contextmanager
def lasting() -> Iterator[None]:
    """Let the first `pipelined` block within last until the end of this one, so that all are sent together.

    After that block nothing of this one may use the ORM.
    """
    with connection.wrap_database_errors, ExitStack() as stack:
        token = _lasting.set(stack)
        try:
            yield
        finally:
            _lasting.reset(token)
