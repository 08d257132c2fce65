"""How to see that a process is ready: it listens, answers HTTP, said so, or is simply alive."""

import http.client
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from devstack.ports import LOOPBACK


class Probe(Protocol):
    """A question that is asked again and again until it is answered with True."""

    def holds(self, *, output: str) -> bool:
        """Tell whether the process is ready; `output` is what it has printed since its start."""
        ...


@dataclass(frozen=True)
class Alive:
    """Ready as soon as it runs."""

    def holds(self, *, output: str) -> bool:
        """Always."""
        return True


@dataclass(frozen=True)
class Says:
    """Ready once it has printed `text`."""

    text: str

    def holds(self, *, output: str) -> bool:
        """Tell whether the text was printed."""
        return self.text in output


@dataclass(frozen=True)
class Answers:
    """Ready once the port answers `path` over HTTP with anything but a server error."""

    port: int
    path: str = "/"

    def holds(self, *, output: str) -> bool:
        """Ask once, for at most two seconds."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", self.path)
            return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@dataclass(frozen=True)
class Replies:
    """Ready once the port replies to the bytes `question` with `answer`."""

    port: int
    question: bytes
    answer: bytes

    def holds(self, *, output: str) -> bool:
        """Ask once, for at most a second."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(self.question)
                return connection.recv(len(self.answer)) == self.answer
        except OSError:
            return False


@dataclass(frozen=True)
class Holds:
    """Ready once `question` returns True."""

    question: Callable[[], bool]

    def holds(self, *, output: str) -> bool:
        """Ask once."""
        return self.question()
