"""How the OpenAPI document describes what all endpoints share."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.utils import OpenApiResponse

from identity import problem_documents
from identity.api.serializers import Problem

_MEANINGS: Final = {
    400: "The request is not valid.",
    401: "No token, or not a valid one.",
    403: "Not allowed.",
    404: "Unknown, or somebody else's.",
    409: "Refused in the present state.",
    410: "Gone: no longer available.",
    422: "The Idempotency-Key was used with another body.",
    502: "The other side answered with nonsense.",
    503: "The other side cannot be reached right now.",
}


def answers(successes: Mapping[int, Any], *problems: int) -> dict[Any, Any]:
    """Return a `responses` table: the successes, and a problem document for each further status."""
    described = {
        (code, problem_documents.CONTENT_TYPE): OpenApiResponse(Problem, _MEANINGS[code])
        for code in problems
    }
    return {**successes, **described}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe `Authorization: Token …`."""

    target_class = "identity.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the OpenAPI security scheme."""
        scheme: dict[str, Any] = build_bearer_security_scheme_object(
            header_name="Authorization", token_prefix=self.target.authenticate_header("")
        )
        return scheme
