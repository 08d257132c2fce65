"""The view class that every API of the project builds on."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identity.authentication import TokenAuthentication
from identity.parsing import StrictJSONParser


class Endpoint(APIView):
    """A view that reads strict JSON, knows tokens only, and lets nobody cache what it says."""

    authentication_classes = (TokenAuthentication,)
    parser_classes = (StrictJSONParser,)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Forbid caches to keep an answer."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final
