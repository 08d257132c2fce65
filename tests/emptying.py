"""Emptying the database after a test that commits, in milliseconds.

Django truncates every table, which makes the files of each anew, and then writes content types and permissions
again: 0.25 s. Here rows are deleted, by one statement, and those two tables stay as they are. As with a
truncation no trigger is asked: neither those that keep history nor those of foreign keys.
"""

from functools import cache
from typing import Final

from django.db import connection
from django.test import TransactionTestCase

KEPT: Final = frozenset({"django_content_type", "auth_permission"})
"""What `migrate` writes, and no test changes."""


def take_over() -> None:
    """Empty the database so from now on."""
    TransactionTestCase._fixture_teardown = lambda self: empty()  # type: ignore[attr-defined]


def empty() -> None:
    """Delete every row but those of `KEPT`."""
    connection.ops.execute_sql_flush([_statement()])


@cache
def _statement() -> str:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    deletes = [f'DELETE FROM "{table}"' for table in sorted(set(tables) - KEPT)]
    return "; ".join(["SET LOCAL session_replication_role = replica", *deletes])
