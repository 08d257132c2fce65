"""The view class that every API of the project builds on."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from identity.authentication import TokenAuthentication
from identity.parsing import StrictJSONParser
from identity.rates import REQUESTS, Rate
from identity.throttling import MemoryThrottle, Throttle


class Endpoint(APIView):
    """A view that reads strict JSON, knows tokens only, and lets nobody cache what it says."""

    authentication_classes = (TokenAuthentication,)
    parser_classes = (StrictJSONParser,)

    rates: Mapping[str, Sequence[Rate]] = {}
    """Method -> the limits of this view, beside the one on everything."""

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the limits on this request, the cheapest first."""
        own = self.rates.get(self.request.method or "", ())
        return [MemoryThrottle(REQUESTS), *(Throttle(rate) for rate in own)]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Admit the request, then look at its body: one that nobody asked for has to be sound, too."""
        super().initial(request, *args, **kwargs)
        self.read_body(request)

    def read_body(self, request: Request) -> None:
        """Read the body.

        Raises:
            ParseError, UnsupportedMediaType, problems.Problem: it is no sound JSON object.
        """
        # Reading is parsing: the attribute is made when it is first asked for.
        _ = request.data

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Forbid caches to keep an answer."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final
