"""How relay and consumer keep running: until told to stop, through every restart of PostgreSQL and Redis."""

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import Any, Final, Protocol

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from eventbus import faults
from eventbus.models import Heartbeat

logger = logging.getLogger(__name__)

BEAT_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 5.0
FORGOTTEN_AFTER: Final = timedelta(days=1)


class Stop:
    """A request to stop. A plain flag: a lock could deadlock in a signal handler."""

    def __init__(self) -> None:
        self.requested = False

    def on_signals(self) -> None:
        """Stop on SIGTERM and SIGINT, after the work in hand."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request)

    def sleep(self, seconds: float) -> None:
        """Sleep, in slices, so that a request to stop is noticed."""
        deadline = time.monotonic() + seconds
        while not self.requested and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True


class Worker(Protocol):
    """What the loop runs."""

    def prepare(self) -> None:
        """Get ready, at the start and after every fault."""

    def step(self) -> None:
        """Do what there is to do; wait for more about a second at most."""

    def close(self) -> None:
        """Let go of Redis: nothing follows."""


def run(worker: Worker, *, stop: Stop, kind: str, info: Callable[[], dict[str, Any]]) -> None:
    """Run the worker until it is told to stop; a fault is logged and followed by a growing pause."""
    name = f"{kind}@{socket.gethostname()}:{os.getpid()}"
    failures, ready, beaten_at = 0, False, 0.0
    while not stop.requested:
        try:
            if not ready:
                worker.prepare()
                ready = True
            if time.monotonic() - beaten_at > BEAT_SECONDS:
                _beat(name, kind, info())
                beaten_at = time.monotonic()
            worker.step()
            failures = 0
        except Exception as error:
            ready, failures = False, failures + 1
            if faults.is_infrastructure(error):
                logger.warning("%s: the infrastructure failed, trying again: %s", name, error)
            else:
                logger.exception("%s: unexpected error, trying again", name)
            connection.close()
            stop.sleep(min(LONGEST_PAUSE_SECONDS, 0.1 * 2**failures))
    worker.close()
    _leave(name)


def _beat(name: str, kind: str, info: dict[str, Any]) -> None:
    Heartbeat.objects.filter(beat_at__lt=Now() - FORGOTTEN_AFTER).delete()
    Heartbeat.objects.update_or_create(
        name=name, defaults={"kind": kind, "beat_at": Now(), "info": info}
    )


def _leave(name: str) -> None:
    try:
        Heartbeat.objects.filter(name=name).delete()
    except DatabaseError as error:
        logger.warning("%s: its heartbeat stays behind: %s", name, error)
