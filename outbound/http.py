"""The only door to other machines over HTTP: one total deadline per call, reused connections, capped answers."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx
import msgspec

from outbound.call import NotSent
from outbound.deadline import Deadline, DeadlineTransport, kept

__all__ = [
    "Answer",
    "ConnectionBroken",
    "Deadline",
    "DeadlineExceeded",
    "NoAnswer",
    "TooLarge",
    "Unparsable",
    "send",
]

LARGEST_ANSWER: Final = 1024 * 1024
"""Bytes."""

Decoded = TypeVar("Decoded")


class NoAnswer(Exception):
    """No complete, readable answer came: the other side may or may not have acted."""


class DeadlineExceeded(NoAnswer):
    """The answer was not complete in time."""


class ConnectionBroken(NoAnswer):
    """The connection broke after the request, or a part of it, was sent."""


class TooLarge(NoAnswer):
    """The answer is larger than `LARGEST_ANSWER`."""


class Unparsable(NoAnswer):
    """The answer is not what its sender's interface promises."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A complete answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def decode(self, kind: type[Decoded]) -> Decoded:
        """Return the JSON body as a value of `kind`.

        Raises:
            Unparsable: it is not JSON, or not of this form.
        """
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unparsable(f"{self.status}: {error}") from error


def send(
    *,
    method: str,
    url: str,
    deadline: Deadline,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Answer:
    """Send one request, once, and read its whole answer. Redirects are answers like any other.

    Raises:
        NotSent: no connection could be made, or the deadline had passed before.
        NoAnswer: anything else that is not a complete answer (see its subclasses).
    """
    if deadline.remaining() <= 0:
        raise NotSent("the deadline had passed before the request was sent")
    try:
        with kept(deadline):
            return _exchange(method, url, headers=headers, params=params, content=content)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NotSent(f"{method} {url}: {error!r}") from error
    except httpx.TimeoutException as error:
        raise DeadlineExceeded(f"{method} {url}") from error
    except httpx.TransportError as error:
        raise ConnectionBroken(f"{method} {url}: {error!r}") from error


def _exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None,
    params: Mapping[str, str] | None,
    content: bytes | None,
) -> Answer:
    # Compressed answers are not asked for, so that the cap holds for what is kept in memory.
    wanted = {"accept-encoding": "identity", **(headers or {})}
    stream = _client(url).stream(method, url, headers=wanted, params=params, content=content)
    with stream as response:
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise TooLarge(f"{method} {url}")
        return Answer(status=response.status_code, headers=dict(response.headers), body=bytes(body))


_clients: dict[str, httpx.Client] = {}
_clients_lock = threading.Lock()


def _client(url: str) -> httpx.Client:
    """Return this process's client for the server of a URL."""
    parsed = httpx.URL(url)
    server = f"{parsed.scheme}://{parsed.netloc.decode()}"
    with _clients_lock:
        if server not in _clients:
            # Proxies from the environment would go around the transport that keeps the deadline.
            _clients[server] = httpx.Client(transport=DeadlineTransport(), trust_env=False)
        return _clients[server]


def _start_afresh() -> None:
    """Forget the parent's connections: two processes on one socket would read each other's answers."""
    global _clients_lock
    _clients_lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_start_afresh)
