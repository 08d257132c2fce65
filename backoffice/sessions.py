"""Sessions of the web admin end: after an hour without a look, and after twelve hours in any case."""

import time
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

BEGAN: Final = "backoffice_began"
SEEN: Final = "backoffice_seen"
COARSE: Final = 60.0
"""A session is written at most this often for being used, in seconds."""


def begin(request: HttpRequest) -> None:
    """Start the clocks of a session."""
    request.session[BEGAN] = request.session[SEEN] = time.time()


class SessionEndMiddleware:
    """Sign out whose session is too old or was not used; a page that refreshes itself is no use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at the clocks before anything else is done for the request."""
        if settings.SESSION_COOKIE_NAME in request.COOKIES and BEGAN in request.session:
            self._look(request)
        return self.get_response(request)

    def _look(self, request: HttpRequest) -> None:
        now, session = time.time(), request.session
        idle, age = now - session[SEEN], now - session[BEGAN]
        if idle > settings.SESSION_COOKIE_AGE or age > settings.SESSION_LONGEST_SECONDS:
            logout(request)
        elif idle > COARSE and "X-Live" not in request.headers:
            session[SEEN] = now
