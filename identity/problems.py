"""Problem documents (RFC 9457): every refusal of the API, whatever raised it, in one shape.

`handle` is Django REST framework's exception handler. A domain exception becomes a problem through
`register`, beside the view that may raise it; what nobody registered is logged and answered 500.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core import exceptions as django_exceptions
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from identity import problem_documents as documents

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One sort of problem: `code` is stable, clients may branch on it."""

    code: str
    status: int
    title: str


CATALOGUE: Final[dict[str, Kind]] = {}
"""Every problem the running process can answer with, by code; docs/problems.md explains each."""

Extend = Callable[[Any], Mapping[str, Any]]


def _nothing_more(exc: Any) -> Mapping[str, Any]:
    return {}


_registered: Final[dict[type[Exception], tuple[Kind, Extend]]] = {}


class CodeTaken(Exception):
    """Two different problems were declared under one code."""


def declare(*, code: str, status: int, title: str) -> Kind:
    """Put a problem into the catalogue and return it.

    Raises:
        CodeTaken: the code already means something else.
    """
    kind = Kind(code=code, status=status, title=title)
    if CATALOGUE.setdefault(code, kind) != kind:
        raise CodeTaken(code)
    return kind


def register(
    exception: type[Exception], *, status: int, title: str, extend: Extend = _nothing_more
) -> None:
    """Answer a domain exception with the problem named by its class attribute `code`.

    An exception may carry `errors` (a list of `{"pointer", "code", "detail"}`) and `headers`;
    `extend` returns further members of the document.
    """
    code: str = exception.code  # type: ignore[attr-defined]
    _registered[exception] = declare(code=code, status=status, title=title), extend


@dataclass(eq=False)
class Problem(Exception):
    """A refusal raised by a view itself, where no domain exception stands behind it."""

    kind: Kind
    detail: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail or self.kind.title


INVALID_REQUEST = declare(code="invalid_request", status=400, title="The request is not valid")
MALFORMED_BODY = declare(code="malformed_body", status=400, title="The body cannot be read")
# These three are written by the web server: config/malformed.py.
declare(code="malformed_request", status=400, title="The request is not HTTP as it should be")
declare(code="uri_too_long", status=414, title="The address is too long")
declare(code="headers_too_large", status=431, title="The headers are too large")
BODY_TOO_LARGE = declare(code="body_too_large", status=413, title="The body is too large")
BAD_REQUEST = declare(code="bad_request", status=400, title="The request is suspicious")
NOT_FOUND = declare(code="not_found", status=404, title="There is nothing here")
FORBIDDEN = declare(code="permission_denied", status=403, title="You may not do this")
UNAVAILABLE = declare(code="unavailable", status=503, title="The service cannot answer right now")
INTERNAL_ERROR = declare(code="internal_error", status=500, title="Something went wrong here")
_REST_FRAMEWORK: Final[dict[type[exceptions.APIException], Kind]] = {
    exceptions.ParseError: MALFORMED_BODY,
    exceptions.NotFound: NOT_FOUND,
    exceptions.PermissionDenied: FORBIDDEN,
    exceptions.NotAuthenticated: declare(
        code="not_authenticated", status=401, title="A token is required"
    ),
    exceptions.AuthenticationFailed: declare(
        code="token_invalid", status=401, title="The token is not valid"
    ),
    exceptions.MethodNotAllowed: declare(
        code="method_not_allowed", status=405, title="This method is not available here"
    ),
    exceptions.NotAcceptable: declare(
        code="not_acceptable", status=406, title="Only JSON is spoken here"
    ),
    exceptions.UnsupportedMediaType: declare(
        code="unsupported_media_type", status=415, title="The body's content type is not understood"
    ),
    exceptions.Throttled: declare(code="throttled", status=429, title="Too many requests"),
}


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer any exception of a view with a problem document."""
    problem = _problem(exc)
    if problem.kind.status >= status.HTTP_500_INTERNAL_SERVER_ERROR:
        logger.error("%s: %s", problem.kind.code, type(exc).__name__, exc_info=exc)
    return documents.response(problem, request=context["request"])


def _problem(exc: Exception) -> Problem:
    if isinstance(exc, Problem):
        return exc
    for known in type(exc).__mro__:
        if known in _registered:
            return _from_domain(exc, *_registered[known])
    if isinstance(exc, exceptions.ValidationError):
        return Problem(INVALID_REQUEST, errors=documents.errors_of(exc.detail))
    if isinstance(exc, exceptions.APIException):
        return _from_rest_framework(exc)
    return _from_django(exc)


def _from_domain(exc: Exception, kind: Kind, extend: Extend) -> Problem:
    return Problem(
        kind,
        detail=str(exc),
        errors=getattr(exc, "errors", ()),
        headers=getattr(exc, "headers", {}),
        extensions=extend(exc),
    )


def _from_rest_framework(exc: exceptions.APIException) -> Problem:
    kind = _REST_FRAMEWORK.get(type(exc), BAD_REQUEST if exc.status_code < 500 else INTERNAL_ERROR)
    headers: dict[str, str] = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    return Problem(kind, detail=str(exc.detail), headers=headers)


def _from_django(exc: Exception) -> Problem:
    match exc:
        case Http404():
            return Problem(NOT_FOUND)
        case django_exceptions.PermissionDenied():
            return Problem(FORBIDDEN)
        case django_exceptions.RequestDataTooBig():
            return Problem(BODY_TOO_LARGE)
        case django_exceptions.SuspiciousOperation() | django_exceptions.BadRequest():
            return Problem(BAD_REQUEST)
        case OperationalError():
            return Problem(UNAVAILABLE, headers={"Retry-After": "2"})
        case _:
            return Problem(INTERNAL_ERROR)
