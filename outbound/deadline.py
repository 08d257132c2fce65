"""One total deadline per call, kept at the socket.

HTTP libraries time out single reads, so that a server which sends a byte now and then is never late.
Here every wait for the socket ends at the deadline of the call, headers and TLS included.
Name resolution is the operating system's and is not covered.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx


@dataclass(frozen=True)
class Deadline:
    """An instant on this process's monotonic clock; several requests may share it."""

    at: float

    @classmethod
    def within(cls, seconds: float) -> "Deadline":
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Return the seconds left, negative when it has passed."""
        return self.at - time.monotonic()


_deadline: ContextVar[Deadline] = ContextVar("outbound_deadline")


@contextmanager
def kept(deadline: Deadline) -> Iterator[None]:
    """Bound what the block sends and reads by a deadline."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's transport over sockets that know the deadline of the call."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=64,
            max_keepalive_connections=16,
            # Shorter than servers keep an idle connection: a request into a closing one is lost.
            keepalive_expiry=4.0,
            network_backend=_DeadlineBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        remaining = max(_deadline.get().remaining(), 0.001)
        request.extensions["timeout"] = {"pool": remaining, "connect": remaining}
        return super().handle_request(request)


class _DeadlineBackend(httpcore.NetworkBackend):
    """Connects within the deadline of the current call."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._plain.connect_tcp(
            host,
            port,
            timeout=_remaining(httpcore.ConnectTimeout),
            local_address=local_address,
            socket_options=socket_options,
        )
        return _DeadlineStream(stream)


class _DeadlineStream(httpcore.NetworkStream):
    """A socket whose every wait is bounded by the deadline of the current call."""

    def __init__(self, plain: httpcore.NetworkStream) -> None:
        self._plain = plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, _remaining(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._plain.write(buffer, _remaining(httpcore.WriteTimeout))

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        remaining = _remaining(httpcore.ConnectTimeout)
        return _DeadlineStream(self._plain.start_tls(ssl_context, server_hostname, remaining))

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


def _remaining(late: type[Exception]) -> float:
    remaining = _deadline.get().remaining()
    if remaining <= 0:
        raise late("the deadline of the call has passed")
    return remaining
