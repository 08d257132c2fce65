"""Write what the database's guards refuse: for tests of what the engine does with rows that it cannot read."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def tampering(table: str) -> Iterator[None]:
    """Switch the triggers of a table off for a moment."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
