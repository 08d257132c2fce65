"""Kill a process at each point at which something leaves it: a commit, a request, an answer not yet read."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from outbound.deadline import DeadlineTransport
from tests.crash import forks


class Fuse:
    """Counts crossings and kills this process at one of them (0: at none)."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.crossed: list[str] = []

    def cross(self, what: str) -> None:
        """Pass one point, or die there."""
        self.crossed.append(what)
        if len(self.crossed) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def watched(fuse: Fuse) -> Iterator[None]:
    """Let what leaves the process pass the fuse: each side of every request, and every commit."""
    send, commit = DeadlineTransport.handle_request, DatabaseWrapper._commit

    def sending(self: Any, request: Any) -> Any:
        fuse.cross(f"before {request.method} {_what(request.url.path)}")
        answer = send(self, request)
        fuse.cross(f"after {request.method} {_what(request.url.path)}")
        return answer

    def committing(self: Any) -> Any:
        fuse.cross("before a commit")
        return commit(self)

    with (
        patch.object(DeadlineTransport, "handle_request", sending),
        patch.object(DatabaseWrapper, "_commit", committing),
    ):
        yield


def _what(path: str) -> str:
    words = path.strip("/").split("/")
    return words[1] if words[0] == "partners" else words[-1]


def at_each_point(story: Callable[[Fuse], None], count: int) -> Iterator[tuple[int, forks.Told]]:
    """Run a story in a child once for each point, killed there; yield the point and what was said."""
    for point in range(1, count + 1):
        yield point, in_a_child(story, Fuse(at=point))


def in_a_child(story: Callable[[Fuse], None], fuse: Fuse) -> forks.Told:
    """Run a story in a forked child, which has connections of its own; hear which points it crossed."""
    connections.close_all()

    def live(notes: forks.Notes) -> None:
        with watched(fuse):
            story(fuse)
        notes.say("crossed", fuse.crossed)

    return forks.run(live)
