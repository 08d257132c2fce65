"""Requests to the served API: confirm and detail beside a bare view, and confirm while Redis is gone."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from booking.models import Account
from identity import commands as identity
from tests.bench.trips import Prepared

CLIENTS: Final = 4
WARM_UP: Final = 40


class RefusedError(Exception):
    """A request was not answered as it must be."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    expected: int


def side_by_side(*, rounds: int, count: int, web: str, bare: str) -> dict[str, Any]:
    """Return requests a second of each round, and all milliseconds: ours, and a bare view's, turn by turn."""
    ours = _Ours(count=rounds * count + WARM_UP)
    kinds: dict[str, tuple[str, Callable[[], Call]]] = {
        "insert": (bare, lambda: _bare("POST", "/bare", 201)),
        "confirm": (web, ours.confirm),
        "read": (bare, _reading(bare)),
        "detail": (web, ours.detail),
    }
    for address, call in kinds.values():
        _sent(address, call, count=WARM_UP)
    found: dict[str, Any] = {name: {"per_second": [], "ms": []} for name in kinds}
    for _ in range(rounds):
        for name, (address, call) in kinds.items():
            seconds, ms = _sent(address, call, count=count)
            found[name]["per_second"].append(count / seconds)
            found[name]["ms"] += ms
    return found


def confirming(*, count: int, web: str) -> list[float]:
    """Return the milliseconds of confirming so many trips, each answered 202."""
    ours = _Ours(count=count)
    _, ms = _sent(web, ours.confirm, count=count)
    return ms


class _Ours:
    """A traveller with trips that can be confirmed."""

    def __init__(self, *, count: int) -> None:
        prepared = Prepared(count=count)
        user_id = Account.objects.get(pk=prepared.account_id).user_id
        token = identity.issue_token_for(user_id=user_id).token
        self._headers = {"Authorization": f"Token {token}"}
        self._fresh = list(prepared.reservations)
        self._shown = f"/api/v1/reservations/{self._fresh[0]}"

    def confirm(self) -> Call:
        return Call(
            method="POST",
            path=f"/api/v1/reservations/{self._fresh.pop()}/confirm",
            headers={**self._headers, "Idempotency-Key": str(uuid.uuid4())},
            expected=202,
        )

    def detail(self) -> Call:
        return Call(method="GET", path=self._shown, headers=self._headers, expected=200)


def _bare(method: str, path: str, expected: int) -> Call:
    return Call(method=method, path=path, headers={}, expected=expected)


def _reading(bare: str) -> Callable[[], Call]:
    connection = _connection(bare)
    connection.request("POST", "/bare")
    key = json.loads(connection.getresponse().read())["key"]
    return lambda: _bare("GET", f"/bare/{key}", 200)


def _sent(address: str, make: Callable[[], Call], *, count: int) -> tuple[float, list[float]]:
    """Send requests by a few clients, each as soon as its last one was answered; return (seconds, milliseconds)."""
    waiting, ms = iter([make() for _ in range(count)]), list[float]()
    clients = [
        threading.Thread(target=_client, args=(address, waiting, ms)) for _ in range(CLIENTS)
    ]
    began = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = time.perf_counter() - began
    if len(ms) < count:
        raise RefusedError(f"{len(ms)} of {count} requests were answered as they must be")
    return seconds, ms


def _client(address: str, waiting: Iterator[Call], ms: list[float]) -> None:
    connection = _connection(address)
    while (call := next(waiting, None)) is not None:
        began = time.perf_counter()
        connection.request(call.method, call.path, headers=dict(call.headers))
        answer = connection.getresponse()
        body = answer.read()
        ms.append(1000 * (time.perf_counter() - began))
        if answer.status != call.expected:
            raise RefusedError(f"{call.method} {call.path}: {answer.status} {body[:300]!r}")


def _connection(address: str) -> HTTPConnection:
    parts = urlsplit(address)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=60)
