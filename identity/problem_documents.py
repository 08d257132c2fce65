"""How a problem looks on the wire: `application/problem+json` as RFC 9457 defines it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

CONTENT_TYPE: Final = "application/problem+json"
SOON: Final = "5"
"""Seconds after which it is worth coming back where nobody knows better."""
COME_BACK: Final = frozenset({429, 503})
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class _Problem(Protocol):
    kind: Any
    detail: str
    errors: Sequence[Mapping[str, str]]
    headers: Mapping[str, str]
    extensions: Mapping[str, Any]


def response(problem: _Problem, *, request: Request) -> Response:
    """Return the answer of an API view."""
    return Response(
        document(problem, request=request),
        status=problem.kind.status,
        headers=_headers(problem),
        content_type=CONTENT_TYPE,
    )


def plain_response(problem: _Problem, *, request: HttpRequest) -> HttpResponse:
    """Return the answer where no API view was reached."""
    return HttpResponse(
        json.dumps(document(problem, request=request)),
        status=problem.kind.status,
        headers=_headers(problem),
        content_type=CONTENT_TYPE,
    )


def document(problem: _Problem, *, request: Request | HttpRequest) -> dict[str, Any]:
    """Return the members of the document; `errors` of a query name parameters, else JSON pointers."""
    members: dict[str, Any] = {
        **problem.extensions,
        "type": f"{settings.PUBLIC_URL}/api/v1/problems/{problem.kind.code}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail or problem.kind.title,
        "instance": request.path,
        "code": problem.kind.code,
        "request_id": request_id(request),
    }
    if problem.errors:
        members["errors"] = [_located(error, request.method or "") for error in problem.errors]
    return members


def request_id(request: Request | HttpRequest) -> str:
    """Return the id under which the logs know this request ("" when nothing gave it one)."""
    return str(getattr(request, "correlation_id", "") or "")


def errors_of(detail: Any) -> list[dict[str, str]]:
    """Return a serializer's nested error detail as a flat list of pointer, code and detail."""
    return list(_flatten(detail, ()))


def _headers(problem: _Problem) -> dict[str, str]:
    """Return the problem's headers; whoever is to come back is told when."""
    waits = {"Retry-After": SOON} if problem.kind.status in COME_BACK else {}
    return {**waits, **problem.headers}


def _flatten(detail: Any, path: tuple[str, ...]) -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flatten(inner, path if name == "non_field_errors" else (*path, str(name)))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            # A list of messages belongs to the field itself, a list of mappings to its elements.
            yield from _flatten(inner, path if isinstance(inner, str) else (*path, str(index)))
    else:
        pointer = "#" + "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in path)
        yield {
            "pointer": pointer,
            "code": getattr(detail, "code", "invalid"),
            "detail": str(detail),
        }


def _located(error: Mapping[str, str], method: str) -> dict[str, str]:
    if method not in SAFE_METHODS:
        return dict(error)
    rest = {name: value for name, value in error.items() if name != "pointer"}
    return {"parameter": error.get("pointer", "#").removeprefix("#/"), **rest}
