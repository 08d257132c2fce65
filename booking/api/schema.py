"""How the OpenAPI document describes Booking's headers and paths."""

from typing import Final

from drf_spectacular.utils import OpenApiParameter

from identity.api.schema import KEY_SCHEMA

IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    KEY_SCHEMA,
    OpenApiParameter.HEADER,
    description="A new UUID for each intention: repeated with the same body, the request acts once.",
)
IDEMPOTENCY_KEY_REQUIRED: Final = OpenApiParameter(
    "Idempotency-Key",
    KEY_SCHEMA,
    OpenApiParameter.HEADER,
    required=True,
    description=IDEMPOTENCY_KEY.description,
)
PREFER: Final = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`wait=n`: answer with the outcome if it is known within n seconds (10 at most).",
)
OFFER_ID: Final = OpenApiParameter(
    "offer_id",
    {"type": "string", "pattern": r"^[a-z0-9-]{1,50}:[A-Za-z0-9_.-]{1,140}$"},
    OpenApiParameter.PATH,
    description="As found: `<partner>:<offer>`.",
)
