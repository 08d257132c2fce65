"""Correlation: every request has an id that its events, and the events they cause, carry on."""

import re
import uuid
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from eventbus import context

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class CorrelationMiddleware:
    """Take `X-Request-ID` and `traceparent` from the request if well-formed, else make them; answer the id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request under its correlation id."""
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if REQUEST_ID.fullmatch(offered) else str(uuid.uuid4())
        traceparent = context.child_traceparent(request.headers.get("traceparent"))
        with context.correlated(correlation_id=request_id, traceparent=traceparent):
            request.correlation_id = request_id  # type: ignore[attr-defined]
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response
