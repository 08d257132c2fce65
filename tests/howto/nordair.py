"""A stand-in for Nordair, an airline with an interface of its own: fares, and tickets under the caller's key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import make_server

FARE = {
    "fare": "NA7-30",
    "name": "Nordair 7, London to New York",
    "cents": 31250,
    "currency": "EUR",
    "valid_until": "2030-01-01T00:00:00+00:00",
    "departs": {"local": "2030-05-01T09:00:00", "zone": "Europe/London"},
    "arrives": {"local": "2030-05-01T12:00:00", "zone": "America/New_York"},
}


@contextmanager
def nordair() -> Iterator[str]:
    """Serve the airline; yield its address."""
    tickets: dict[str, dict[str, Any]] = {}

    @Request.application
    def answer(request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        if request.path == "/fares":
            return _json({"fares": [FARE]})
        if request.path == f"/fares/{FARE['fare']}":
            return _json(FARE)
        if request.method == "PUT" and name not in tickets:
            tickets[name] = {**request.get_json(), "ticket": f"T{len(tickets) + 1}", "valid": True}
        if name not in tickets:
            return _json({"error": "unknown"}, 404)
        if request.method == "DELETE":
            tickets[name]["valid"] = False
        return _json(tickets[name])

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
