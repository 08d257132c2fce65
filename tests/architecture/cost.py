"""What something costs the database: statements sent and transactions begun, in this thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.db import connection


@dataclass
class Cost:
    """Statements (savepoints included, BEGIN and COMMIT not) and the transactions around them."""

    statements: int = 0
    transactions: int = 0

    def __str__(self) -> str:
        return f"{self.statements:4} statements in {self.transactions:3} transactions"


@contextmanager
def counted(*sums: Cost) -> Iterator[Cost]:
    """Count what the block sends to the database; add it to the sums, too."""
    spent = Cost()

    def send(execute: Callable[..., Any], *arguments: Any) -> Any:
        spent.statements += 1
        spent.transactions += not connection.in_atomic_block
        return execute(*arguments)

    def ending(end: Callable[[], None]) -> Callable[[], None]:
        def end_and_count() -> None:
            spent.transactions += 1
            end()

        return end_and_count

    with (
        connection.execute_wrapper(send),
        patch.object(connection, "commit", ending(connection.commit)),
        patch.object(connection, "rollback", ending(connection.rollback)),
    ):
        yield spent
    for total in sums:
        total.statements += spent.statements
        total.transactions += spent.transactions
