"""Sending several statements without waiting for the answer to each: most of a short transaction is waiting."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def pipelined() -> Iterator[None]:
    """Let statements of the block be on their way together; an answer is waited for when it is fetched.

    An error of a statement comes when its answer is waited for, at the latest at the end of the block, so
    nothing in the block may depend on catching one.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield
