"""How the OpenAPI document describes what all endpoints share."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.utils import OpenApiResponse

from identity import problem_documents
from identity.api.serializers import Problem

KEY_SCHEMA: Final = {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"}
"""What an Idempotency-Key may be."""

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


_EVERYWHERE: Final = {
    "400": ("Malformed", "The request cannot be read."),
    "406": ("NotAcceptable", "The `Accept` header leaves out what can be answered."),
    "413": ("TooLarge", "The body is too large."),
    "414": ("AddressTooLong", "The address with its query is longer than 4094 bytes."),
    "415": ("UnsupportedType", "The body's content type is not understood."),
    "429": ("Throttled", "Too many requests; `Retry-After` says for how many seconds to wait."),
    "431": ("HeadersTooLarge", "The headers are too large or too many."),
    "503": (
        "Unavailable",
        "The other side or the database cannot answer; repeat after `Retry-After` seconds.",
    ),
}


def describe_what_all_answer(result: Any, **_: Any) -> Any:
    """Add to every operation the problems that any request can meet (a hook of drf-spectacular)."""
    components = result["components"].setdefault("responses", {})
    for name, meaning in _EVERYWHERE.values():
        components[name] = {
            "description": meaning,
            "content": {
                problem_documents.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
    for path in result["paths"].values():
        for operation in path.values():
            for status, (name, _meaning) in _EVERYWHERE.items():
                reference = {"$ref": f"#/components/responses/{name}"}
                operation["responses"].setdefault(status, reference)
            operation["responses"] = dict(sorted(operation["responses"].items()))
    return result


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
