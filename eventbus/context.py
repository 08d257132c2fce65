"""What an event was caused by: correlation, causation, trace and actor of the running work. No Django."""

import contextlib
import dataclasses
import re
import secrets
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final
from uuid import UUID

TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Context:
    """The circumstances of the running work.

    `correlation_id` is shared by everything one request led to, `causation_id` is the event being
    handled, `traceparent` is W3C trace context, `actor` names who asked.
    """

    correlation_id: str | None = None
    causation_id: UUID | None = None
    traceparent: str | None = None
    actor: str | None = None


_current: ContextVar[Context | None] = ContextVar("eventbus_context", default=None)


def current() -> Context:
    """Return the circumstances of the running work."""
    return _current.get() or Context()


@contextlib.contextmanager
def correlated(
    *,
    correlation_id: str | UUID | None = None,
    causation_id: UUID | None = None,
    traceparent: str | None = None,
    actor: str | None = None,
) -> Iterator[Context]:
    """Run a block under other circumstances; what is not given stays as it is."""
    given = {
        "correlation_id": str(correlation_id) if correlation_id is not None else None,
        "causation_id": causation_id,
        "traceparent": traceparent,
        "actor": actor,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    token = _current.set(dataclasses.replace(current(), **changed))  # type: ignore[arg-type]
    try:
        yield current()
    finally:
        _current.reset(token)


def child_traceparent(parent: str | None) -> str:
    """Return a traceparent for work within `parent`'s trace; a new trace if there is none or it is malformed."""
    match = TRACEPARENT.fullmatch(parent or "")
    trace_id, flags = (match[1], match[3]) if match else (secrets.token_hex(16), "01")
    return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"
