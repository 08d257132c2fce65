"""A client that does not give up: it repeats a request under its key until it is answered, and keeps the receipt."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from devstack.traveller import Traveller

REQUEST_SECONDS: Final = 6.0
PAUSE_SECONDS: Final = 0.3


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A definite answer to a command: what a client was told under which key."""

    reservation_id: str
    command: str
    key: str
    status: int
    body: Any
    given: Mapping[str, Any] | None = None


class UnansweredError(Exception):
    """The time of the run is over and there was no definite answer."""


class Client:
    """One traveller's connection. Every command may be repeated; `answers` counts what came back."""

    def __init__(self, traveller: Traveller) -> None:
        """Use the login of a traveller who signed up."""
        self.traveller = traveller
        self.receipts: list[Receipt] = []
        self.answers: Counter[str] = Counter()
        self.gives_up_at = float("inf")
        self._lock = threading.Lock()
        traveller.http.timeout = httpx.Timeout(REQUEST_SECONDS)

    def read(self, path: str) -> Any:
        """GET until it is answered. Raises: UnansweredError."""
        return self._ask("GET", path, {}, None)[1]

    def command(
        self,
        path: str,
        *,
        key: str,
        reservation_id: str = "",
        body: Mapping[str, Any] | None = None,
        wait: int | None = None,
        method: str = "POST",
    ) -> tuple[int, Any]:
        """Send a command until there is a definite answer, and keep the receipt of a success.

        Raises:
            UnansweredError: there was none within the run.
        """
        headers = {"Idempotency-Key": key} if method == "POST" else {}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        status, answer = self._ask(method, path, headers, body or {})
        if status < httpx.codes.BAD_REQUEST:
            receipt = Receipt(
                reservation_id=reservation_id or str(answer["id"]),
                command=path.rpartition("/")[2],
                key=key,
                status=status,
                body=answer,
                given=body,
            )
            with self._lock:
                self.receipts.append(receipt)
        return status, answer

    def repeat(self, receipt: Receipt) -> None:
        """Send a command again under its old key: the answer has to be the old one."""
        path = "reservations"
        if receipt.command != "reservations":
            path = f"reservations/{receipt.reservation_id}/{receipt.command}"
        self.command(
            path, key=receipt.key, reservation_id=receipt.reservation_id, body=receipt.given
        )

    def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> tuple[int, Any]:
        while time.monotonic() < self.gives_up_at:
            try:
                answer = self.traveller.http.request(method, path, headers=headers, json=body)
                content = answer.json()
            except (httpx.TransportError, ValueError) as error:
                self._count(type(error).__name__)
            else:
                self._count(str(answer.status_code))
                if _definite(answer.status_code, content):
                    return answer.status_code, content
            time.sleep(PAUSE_SECONDS)
        raise UnansweredError(path)

    def _count(self, what: str) -> None:
        with self._lock:
            self.answers[what] += 1


def _definite(status: int, content: Any) -> bool:
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return False
    return not (
        status == httpx.codes.CONFLICT and content.get("code") == "idempotency_key_in_flight"
    )
