"""What a browser may load and run on a page: `Content-Security-Policy` and its companions."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

CONTENT: Final = "Content-Security-Policy"

ADMIN: Final = "; ".join(
    [
        "default-src 'none'",
        # No inline script, and none made of text: Alpine reads its expressions itself (decision 0016).
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
"""For the web admin."""

OTHERS: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""For small pages of text, and a form. The API's documentation brings a policy of its own."""

DATA: Final = "default-src 'none'; frame-ancestors 'none'"
"""For answers that are no page."""

PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class PolicyMiddleware:
    """Add the policy to every answer that has none of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the policy."""
        response = self.get_response(request)
        response.headers.setdefault(CONTENT, _policy(request, response))
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response


def _policy(request: HttpRequest, response: HttpResponse) -> str:
    if request.path_info.startswith("/admin/"):
        return ADMIN
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    return OTHERS if is_page else DATA
