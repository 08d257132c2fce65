"""What the web server cannot read is answered with a problem document."""

import json
import socket

import pytest
from gunicorn import util

from config import malformed
from identity import problems


@pytest.fixture(autouse=True)
def _as_in_the_web_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "write_error", util.write_error)  # put back afterwards
    malformed.answer_with_problems()


def written(status: int, reason: str) -> tuple[str, dict[str, str], str]:
    """Return first line, headers and body of what gunicorn writes."""
    server, client = socket.socketpair()
    with server, client:
        util.write_error(server, status, reason, "it is <b>wrong</b>")
        head, _, body = client.recv(65536).decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize("status", malformed.KINDS)
def test_a_request_that_cannot_be_read_is_a_problem(status: int) -> None:
    first, headers, body = written(status, "Some Reason")

    code, title = malformed.KINDS[status]
    document = json.loads(body)
    assert first == f"HTTP/1.1 {status} Some Reason"
    assert headers["Content-Type"] == "application/problem+json"
    assert int(headers["Content-Length"]) == len(body)
    assert (document["status"], document["code"], document["title"]) == (status, code, title)
    assert document["type"].endswith(f"/api/v1/problems/{code}")
    assert document["detail"] == "it is <b>wrong</b>"


def test_anything_else_is_gunicorn_s_own_page() -> None:
    first, headers, _ = written(501, "Not Implemented")

    assert first == "HTTP/1.1 501 Not Implemented"
    assert headers["Content-Type"] == "text/html"


def test_the_catalogue_has_the_same() -> None:
    in_catalogue = {
        kind.status: (kind.code, kind.title)
        for kind in problems.CATALOGUE.values()
        if kind.code in {code for code, _ in malformed.KINDS.values()}
    }

    assert in_catalogue == malformed.KINDS
