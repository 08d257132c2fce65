"""Send what is due: the net under the Celery task, as a process of its own or once."""

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from crm import delivery


class Command(BaseCommand):
    """Send queued messages that no task has sent, until SIGTERM; with --once, until none is due."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")
        parser.add_argument("--every", type=float, default=5.0, help="seconds between two looks")

    def handle(self, *args: Any, once: bool, every: float, **options: Any) -> None:
        """Run the loop."""
        if once:
            self.stdout.write(f"{_sweep(threading.Event())} messages tried")
            return
        stop = threading.Event()

        def finish(number: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, finish)
        signal.signal(signal.SIGINT, finish)
        while not stop.is_set():
            try:
                _sweep(stop)
            except Error as error:
                self.stderr.write(f"database not available: {error}")
            close_old_connections()
            stop.wait(every)


def _sweep(stop: threading.Event) -> int:
    """Try each due message once; return how many."""
    tried: set[Any] = set()
    while not stop.is_set():
        batch = [found for found in delivery.due(limit=100) if found not in tried]
        if not batch:
            break
        for message_id in batch:
            if stop.is_set():
                break
            delivery.send(message_id=message_id)
            tried.add(message_id)
    return len(tried)
