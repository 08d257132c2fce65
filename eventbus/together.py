"""Rows and events that travel with the last statement of their transaction, which then is all of it.

In `transaction()` what `write` and `publish` are given waits; `finish` sends it, by way of whoever has the
last word (`first`), in one statement, and a statement alone needs neither BEGIN nor COMMIT: one round trip
in place of many. Rows are read without a lock: a row that is not any more in the version that was read is
`Overtaken` (optimistic offline lock: Fowler, "Patterns of Enterprise Application Architecture", 2002).

Nobody has to know: a statement that cannot be part of this (a lock, a savepoint, an update of the ORM)
begins an ordinary transaction, to which what waits is written before it. Outside of `transaction()`
everything is written at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from django.db import connection, models
from django.db import transaction as ordinary
from django.db.models.expressions import DatabaseDefault


class Overtaken(Exception):
    """Somebody else has written since the read: roll back and read again."""


class Versioned(models.Model):
    """A row of which a trigger counts the changes: who has read it without a lock can tell that it was changed."""

    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        """Write the row over whatever is there: the caller holds its lock."""
        changed = not self._state.adding
        super().save(**kwargs)
        self.version += changed


Rows = list[dict[str, Any]]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Kind:
    """How rows of one table are written: new ones, or (`guarded`) one, if it is as it was read."""

    table: str
    columns: tuple[str, ...]
    guarded: bool = False

    @cache  # noqa: B019 - there are as many as tables
    def sql(self, source: str = "") -> str:
        """Return the statement, of which `parameter` is the parameter; `source` must have a row for it to write."""
        shape = "record" if self.guarded else "recordset"
        rows = f"{source}jsonb_populate_{shape}(NULL::{self.table}, %s::jsonb) AS c"
        values = [f"c.{name}" for name in self.columns]
        if not self.guarded:
            return (
                f"INSERT INTO {self.table} ({', '.join(self.columns)})"  # noqa: S608
                f" SELECT {', '.join(values)} FROM {rows}"
            )
        sets = ", ".join(map("{} = {}".format, self.columns, values))
        return (
            f"UPDATE {self.table} AS t SET {sets} FROM {rows}"  # noqa: S608
            " WHERE t.id = c.id AND t.version = c.version RETURNING t.id"
        )

    def parameter(self, rows: Rows) -> str:
        """Return rows as JSON: an array of new ones, or the one that is guarded."""
        return msgspec.json.encode(rows[0] if self.guarded else rows).decode()


class Together:
    """What waits to be written, within one transaction."""

    def __init__(self, *, begun: bool) -> None:
        """Begin with nothing, in a transaction that PostgreSQL knows of or (not `begun`) does not."""
        self.first: Callable[[], None] | None = None
        self.answers: dict[tuple[object, object], Any] = {}
        self._waiting: dict[Kind, Rows] = {}
        self._sending = False
        self._begun = begun
        self._failed: Exception | None = None
        self._ended = False

    def lead(self, first: Callable[[], None]) -> None:
        """Let `first` have the first word of what is written: it takes along what waits by then."""
        self._check()
        if self.first is not None:
            raise RuntimeError("one transaction, one unit of work")
        self.first = first

    def add(self, kind: Kind, row: dict[str, Any]) -> None:
        """Let a row wait."""
        self._check()
        if any(kind.table == other.table and kind.guarded for other in self._waiting):
            self._begin()  # one statement changes a row once, and none that it creates
        self._waiting.setdefault(kind, []).append(row)

    def take(self) -> dict[Kind, Rows]:
        """Hand out what waits, to be written now."""
        waiting, self._waiting = self._waiting, {}
        return waiting

    def finish(self) -> None:
        """Write what waits: with `first`, if nothing has called for it before."""
        if self._failed is not None:
            raise self._failed
        if self.first is not None:
            self._send()
        elif self._waiting:
            self._begin()

    def watch(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """Begin an ordinary transaction before a statement that cannot do without."""
        if not self._sending:
            self._check()
            ahead = self.first is not None or not self._begun
            if self._waiting or (ahead and not _only_reads(str(sql))):
                self._begin()
        return execute(sql, params, many, context)

    def _check(self) -> None:
        """Let nobody go on who has caught what ended the transaction, or does not know that it has ended."""
        if self._failed is not None:
            raise self._failed
        if self._ended:
            raise RuntimeError("the transaction has ended with its last statement")

    def _begin(self) -> None:
        if not self._begun:
            _commit_each(False)
            self._begun = True
        self._send()

    def _send(self) -> None:
        first, self.first = self.first, None
        self._sending = True
        try:
            if first is not None:
                first()
            for kind, rows in self.take().items():
                _write_now(kind, rows)
            self._ended = not self._begun
        except Exception as error:
            self._failed = error
            raise
        finally:
            self._sending = False


_current: Final[ContextVar[Together | None]] = ContextVar("together", default=None)


@contextmanager
def transaction() -> Iterator[Together]:
    """One transaction, of which the writes travel together; `finish` is the end of it."""
    begun = connection.in_atomic_block
    with ordinary.atomic():
        if not begun:
            _commit_each(True)  # what only reads needs no transaction
        with _collecting(begun=begun) as together:
            yield together
            together.finish()


@contextmanager
def joined() -> Iterator[Together]:
    """Let what the block writes be part of the transaction that is under way, however that was begun."""
    found = _current.get()
    if found is not None:
        yield found
        return
    with _collecting(begun=True) as together:
        yield together


@contextmanager
def _collecting(*, begun: bool) -> Iterator[Together]:
    together = Together(begun=begun)
    token = _current.set(together)
    try:
        with connection.execute_wrapper(together.watch):
            yield together
    finally:
        _current.reset(token)


def once(read: Callable[[K], V], key: K) -> V:
    """Return what `read` says of a key, asked once in a transaction: what is read there with each of several calls."""
    together = _current.get()
    if together is None:
        return read(key)
    if (read, key) not in together.answers:
        together.answers[read, key] = read(key)
    answer: V = together.answers[read, key]
    return answer


def write(row: models.Model) -> None:
    """Write a new row (whose key is not given by the database), or a versioned one that was read without a lock.

    Rows that wait for the same statement do not see each other: no trigger of one may look for another.

    Raises:
        Overtaken: somebody has changed it since (within a transaction `finish` raises it).
    """
    insert(_kind(type(row), not row._state.adding), _values(row))
    if isinstance(row, Versioned):
        row.version += not row._state.adding
    row._state.adding = False


def insert(kind: Kind, row: dict[str, Any]) -> None:
    """Write a row that is given as values: at once, or together with the others."""
    together = _current.get()
    if together is None:
        _write_now(kind, [row])
    else:
        together.add(kind, row)


def _write_now(kind: Kind, rows: Rows) -> None:
    with connection.cursor() as cursor:
        cursor.execute(kind.sql(), [kind.parameter(rows)])
        if kind.guarded and cursor.rowcount != len(rows):
            raise Overtaken(f"{kind.table} {[row['id'] for row in rows]}")


def _commit_each(on: bool) -> None:
    """Let each statement be a transaction, whatever Django believes, or (off) let the next one begin one."""
    with connection.wrap_database_errors:
        connection.connection.autocommit = on


def _only_reads(sql: str) -> bool:
    """Tell whether a statement is a plain SELECT from a table: no lock, no function for its effect."""
    return sql.startswith("SELECT ") and " FROM " in sql and " FOR " not in sql


@cache
def _kind(model: type[models.Model], guarded: bool) -> Kind:
    fields = [
        field
        for field in model._meta.concrete_fields
        if not (field.attname in {"id", "version"} if guarded else field.has_db_default())
    ]
    return Kind(model._meta.db_table, tuple(field.attname for field in fields), guarded)


def _values(row: models.Model) -> dict[str, Any]:
    return {
        field.attname: field.get_prep_value(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if not isinstance(getattr(row, field.attname), DatabaseDefault)
    }
