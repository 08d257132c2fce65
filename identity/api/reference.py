"""The pages on which people read and try the API: Swagger UI and Redoc, out of our own files.

The header forbids the browser to load anything from elsewhere, and to run a script that stands in a page.
"""

from typing import Any, Final

from django.urls import URLPattern, path
from drf_spectacular import views
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

# Both pages write styles of their own while they run; Redoc searches in a worker that it makes itself.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; font-src 'self' data:; "
    "img-src 'self' data:; style-src 'self' 'unsafe-inline'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SwaggerPage(views.SpectacularSwaggerSplitView):
    """Try the API."""

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Allow nothing from elsewhere."""
        return _offline(super().finalize_response(request, response, *args, **kwargs))


class RedocPage(views.SpectacularRedocView):
    """Read about the API."""

    template_name = "identity/redoc.html"

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Allow nothing from elsewhere."""
        return _offline(super().finalize_response(request, response, *args, **kwargs))


def _offline(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    return response


_OPEN: Final[dict[str, Any]] = {"authentication_classes": [], "permission_classes": [AllowAny]}

urlpatterns: Final[list[URLPattern]] = [
    path("openapi.json", views.SpectacularJSONAPIView.as_view(**_OPEN), name="openapi"),
    path("docs", SwaggerPage.as_view(url_name="openapi", **_OPEN), name="docs"),
    path("redoc", RedocPage.as_view(url_name="openapi", **_OPEN), name="redoc"),
]
