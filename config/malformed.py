"""What the web server refuses before Django sees it is a problem document, too, not a page of HTML."""

import json
import socket
from collections.abc import Callable
from typing import Final

from django.conf import settings
from gunicorn import util

KINDS: Final = {
    400: ("malformed_request", "The request is not HTTP as it should be"),
    414: ("uri_too_long", "The address is too long"),
    431: ("headers_too_large", "The headers are too large"),
}
"""Status -> code and title; `identity.problems` has the same in its catalogue."""

_page: Final[Callable[[socket.socket, int, str, str], None]] = util.write_error


def write_problem(client: socket.socket, status: int, reason: str, message: str) -> None:
    """Write the answer to a request that could not be read, in place of gunicorn's `write_error`."""
    if status not in KINDS:
        _page(client, status, reason, message)
        return
    code, title = KINDS[status]
    document = {
        "type": f"{settings.PUBLIC_URL}/api/v1/problems/{code}",
        "title": title,
        "status": status,
        "detail": message,
        "instance": "",
        "code": code,
        "request_id": "",
    }
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n\r\n"
    )
    util.write_nonblock(client, head.encode("ascii") + body)


def answer_with_problems() -> None:
    """Let gunicorn write problem documents in this process from now on."""
    util.write_error = write_problem
