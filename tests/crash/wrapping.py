"""Put the harness's hands on every door: database, HTTP, broker, streams, named points, mail.

Only the outermost calls are wrapped, those below which there is nothing but a socket.
"""

import re
import threading
from collections.abc import Callable
from typing import Any, Final

import httpx
import kombu.transport.redis as kombu_redis
import redis
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.signals import connection_created

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
    connection_created.connect(_watch_connection, dispatch_uid="tests.crash")
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


def _watch_connection(connection: DatabaseWrapper, **_: object) -> None:
    if _execute not in connection.execute_wrappers:
        connection.execute_wrappers.append(_execute)


def _execute(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Count a statement; outside a transaction one that writes is an effect of its own."""
    if not DOORS.open:
        return execute(sql, params, many, context)
    connection = context["connection"]
    how = DOORS.strikes("statement")
    if how == "disconnected":
        connection.connection.close()
    elif how == "cancelled":
        return _cancelled(execute, context)
    tables = WRITES.findall(str(sql))
    if connection.in_atomic_block:
        written.setdefault(id(connection), []).extend(tables)
    elif tables:
        return _write(execute, sql, params, many, context)
    return execute(sql, params, many, context)


def _cancelled(execute: Callable[..., Any], context: Any) -> Any:
    """Let PostgreSQL cancel a statement; outside a transaction the time-out would outlive it."""
    connection = context["connection"]
    local = "LOCAL " if connection.in_atomic_block else ""
    execute(f"SET {local}statement_timeout = 1", None, False, context)
    try:
        return execute("SELECT pg_sleep(1)", None, False, context)
    finally:
        if not local:
            connection.connection.execute("RESET statement_timeout")


def _write(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Run a statement that is a transaction of its own; one that changed no row is no effect."""
    raw = context["connection"].connection
    raw.execute("BEGIN")
    answer = execute(sql, params, many, context)
    if context["cursor"].rowcount:
        DOORS.cross("write", "before", ",".join(WRITES.findall(sql)))
    raw.execute("COMMIT")
    if context["cursor"].rowcount:
        DOORS.cross("write", "after", ",".join(WRITES.findall(sql)))
    return answer


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
    if DOORS.strikes("commit"):
        self.connection.close()
        raise OperationalError("the connection broke during COMMIT")


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
