"""Put the harness's hands on every door: database, HTTP, broker, streams, named points, mail.

Only the outermost calls are wrapped, those below which there is nothing but a socket.
"""

import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import httpx
import kombu.transport.redis as kombu_redis
import redis
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.utils import CursorWrapper

from eventbus import crashpoints
from outbound.deadline import DeadlineTransport
from tests.crash.doors import DOORS

WRITES: Final = re.compile(
    r'\b(?:INSERT INTO|UPDATE(?! OF| SKIP| NOWAIT)|DELETE FROM)\s+"?(\w+)', re.IGNORECASE
)
BUS_COMMANDS: Final = frozenset({"EVAL", "EVALSHA", "PUBLISH", "DEL"})
UNIQUE: Final = re.compile(r"[0-9a-f]{8}-[^/]+|(?:pi|re|ord|off)_\w+")
"""What differs from run to run in a path: identities."""

written: dict[int, list[str]] = {}
"""Connection -> the tables that its open transaction has written."""


def wrap_all() -> None:
    """Wrap every door, once for the process and its children."""
    _wrap(CursorWrapper, "_execute", _statement)
    _wrap(CursorWrapper, "_executemany", _statement)
    _wrap(DatabaseWrapper, "_commit", _commit)
    _wrap(DatabaseWrapper, "_rollback", _rollback)
    _wrap(DeadlineTransport, "handle_request", _request)
    _wrap(kombu_redis.Channel, "_put", _publish)
    _wrap(kombu_redis.QoS, "append", _delivery)
    _wrap(kombu_redis.QoS, "ack", _ack)
    _wrap(redis.Redis, "execute_command", _bus)
    crashpoints.reached = lambda name: DOORS.cross("point", name)  # type: ignore[assignment]
    _wrap(threading.Thread, "start", _thread)


def _wrap(owner: type, name: str, around: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not DOORS.open:
            return original(self, *args, **kwargs)
        return around(original, self, *args, **kwargs)

    setattr(owner, name, wrapped)


def _statement(original: Callable[..., Any], self: CursorWrapper, sql: Any, *rest: Any) -> Any:
    """Count a statement; one that writes and is a transaction of its own is an effect."""
    raw, run = self.db.connection, partial(original, self)
    how = DOORS.strikes("statement")
    if how == "disconnected":
        raw.close()
    elif how == "cancelled":
        return _cancelled(run, raw)
    tables = list(dict.fromkeys(WRITES.findall(str(sql))))
    if not raw.autocommit:
        written.setdefault(id(self.db), []).extend(tables)
    elif tables and not raw.closed:
        return _write(partial(run, sql, *rest), self, ",".join(tables))
    return run(sql, *rest)


def _cancelled(run: Callable[..., Any], raw: Any) -> Any:
    """Let PostgreSQL cancel a statement; outside a transaction the time-out would outlive it."""
    local = "" if raw.autocommit else "LOCAL "
    run(f"SET {local}statement_timeout = 1", None)
    try:
        return run("SELECT pg_sleep(1)", None)
    finally:
        if not local:
            raw.execute("RESET statement_timeout")


def _write(run: Callable[[], Any], cursor: CursorWrapper, tables: str) -> Any:
    """Run a statement that is a transaction of its own; one that changed no row is no effect."""
    raw = cursor.db.connection
    with cursor.db.wrap_database_errors, raw.transaction():
        answer = run()
        if cursor.rowcount:
            DOORS.cross("write", "before", tables)
    if cursor.rowcount:
        DOORS.cross("write", "after", tables)
        _unheard(cursor.db)
    return answer


def _unheard(connection: DatabaseWrapper) -> None:
    """Let nobody hear of what was just committed, if that is what is to go wrong."""
    if DOORS.strikes("commit"):
        connection.connection.close()
        raise OperationalError("the connection broke during COMMIT")


def _commit(original: Callable[..., Any], self: DatabaseWrapper) -> None:
    """Commit; of a transaction that wrote nothing nobody can see whether it was committed."""
    tables = ",".join(dict.fromkeys(written.pop(id(self), [])))
    if not tables or self.connection is None:
        original(self)
        return
    DOORS.cross("commit", "before", tables)
    if DOORS.reaches("commit", "sent", tables):
        # PostgreSQL commits, and there is nobody left to hear of it.
        self.connection.pgconn.send_query(b"COMMIT")
        DOORS.die()
    original(self)
    _unheard(self)


def _rollback(original: Callable[..., Any], self: DatabaseWrapper) -> None:
    written.pop(id(self), None)
    original(self)


def _request(
    original: Callable[..., Any], self: DeadlineTransport, request: httpx.Request
) -> httpx.Response:
    """Send a request whose effect may happen, or not, whatever the caller hears."""
    what = f"{request.method} {UNIQUE.sub('*', request.url.path)}"
    how = DOORS.strikes("call")
    DOORS.cross("http", "before", what)
    if how == "unsent":
        raise httpx.ConnectError("refused by the harness", request=request)
    if how == "lost":
        raise httpx.ReadError("lost by the harness", request=request)
    if how == "broken":
        return httpx.Response(500, content=b"{}", request=request)
    response: httpx.Response = original(self, request)
    DOORS.cross("http", "unread", what)
    DOORS.while_calling()
    if how == "unanswered":
        response.close()
        raise httpx.ReadError("unanswered by the harness", request=request)
    return response


def _publish(
    original: Callable[..., Any], self: Any, queue: str, message: Any, **kwargs: Any
) -> None:
    """Hand a message to the broker: once, never or three times."""
    DOORS.cross("publish", "before", queue)
    for _ in range({"drop": 0, "triple": 3}.get(DOORS.messages, 1)):
        original(self, queue, message, **kwargs)
    DOORS.cross("publish", "after", queue)


def _delivery(original: Callable[..., Any], self: Any, message: Any, tag: str) -> None:
    """Take a message: popped from its queue, it is in nobody's hands until it is noted as unacknowledged."""
    DOORS.cross("delivery", "popped", message.delivery_info["routing_key"])
    original(self, message, tag)
    DOORS.cross("delivery", "noted", message.delivery_info["routing_key"])


def _ack(original: Callable[..., Any], self: Any, tag: str) -> None:
    DOORS.cross("ack", "before")
    original(self, tag)
    DOORS.cross("ack", "after")


def _bus(original: Callable[..., Any], self: redis.Redis, *args: Any, **options: Any) -> Any:
    """Change something in the bus's Redis; what only looks is no crossing."""
    command = str(args[0]).upper()
    if command not in BUS_COMMANDS or "?" in args:
        return original(self, *args, **options)
    DOORS.cross("bus", "before", command)
    answer = original(self, *args, **options)
    DOORS.cross("bus", "after", command)
    return answer


def _thread(original: Callable[..., Any], self: threading.Thread) -> None:
    """Make calls that go side by side one after the other, so that they come in the same order every time."""
    self.run()


class Mailbox(BaseEmailBackend):
    """A mail server that outlives us: appends the Message-ID of each mail to a file."""

    path = ""

    def send_messages(self, email_messages: Any) -> int:
        """Deliver."""
        for message in email_messages:
            DOORS.cross("mail", "before")
            with open(Mailbox.path, "a", encoding="ascii") as box:
                box.write(message.extra_headers.get("Message-ID", "-") + "\n")
            DOORS.cross("mail", "after")
        return len(email_messages)
