"""What PostgreSQL itself counted."""

import time
from typing import Final

from django.db import connection

IDLE_SECONDS: Final = 11.0
"""An idle backend reports what it did within ten seconds (pgstat.c, PGSTAT_IDLE_INTERVAL)."""


def settle() -> None:
    """Wait until every backend has reported."""
    time.sleep(IDLE_SECONDS)


def commits() -> int:
    """Return how many transactions of this database were committed, this connection's included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        )
        [count] = cursor.fetchone()
    return int(count)
