"""`make audit` speaks up, whatever it is told: an advisory, nothing, or that nobody can be asked."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from tests.architecture.terminal import give

MAKE_FAILED = 2
NOBODY = "http://127.0.0.1:9/v1/query"
ADVISORY = {
    "id": "PYSEC-0000-1",
    "summary": "made up",
    "published": "2026-01-01T00:00:00Z",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [{"package": {"name": "django", "ecosystem": "PyPI"}, "ranges": []}],
}


class Advisories(BaseHTTPRequestHandler):
    """A database of advisories as OSV serves it; `known` is what it has, by the package's name."""

    known: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        self.asked.add(name)
        found = [self.known[name]] if name in self.known else []
        body = json.dumps({"vulns": found} if found else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def database() -> Iterator[str]:
    """Serve the advisories on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def test_advisories_on_what_is_pinned_are_asked_for(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = f'make audit ARGS="-s osv --osv-url {database} --cache-dir {tmp_path}"'

    give(asked)
    monkeypatch.setitem(Advisories.known, "django", ADVISORY)
    warned = give(asked, status=MAKE_FAILED)

    assert {"django", "celery", "stripe"} <= Advisories.asked
    assert "PYSEC-0000-1" in warned


def test_an_audit_that_can_ask_nobody_is_no_success(tmp_path: Path) -> None:
    give(f'make audit ARGS="-s osv --osv-url {NOBODY} --cache-dir {tmp_path}"', status=MAKE_FAILED)
