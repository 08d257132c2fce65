"""End an answer before it was read, as a client does that goes away."""

from typing import Any

from django.core.signals import request_finished
from django.db import close_old_connections


def hang_up(answer: Any) -> None:
    """End an answer as the web server does, but keep the test's connection, as Django's client does.

    A stream that nobody reads keeps its place until then.
    """
    request_finished.disconnect(close_old_connections)
    answer.close()
    request_finished.connect(close_old_connections)
