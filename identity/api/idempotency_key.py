"""The header Idempotency-Key, the same in every API: what may stand in it, and how a repeated answer is marked."""

import re
from typing import Final

from rest_framework.request import Request

from identity import problems

KEY_INVALID: Final = problems.declare(
    code="idempotency_key_invalid", status=400, title="The Idempotency-Key cannot be used"
)
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED: Final = {"Idempotent-Replayed": "true"}
"""The header of an answer to a request that was repeated."""


def key_of(request: Request) -> str | None:
    """Return the request's Idempotency-Key; None if it has none.

    Raises:
        problems.Problem: the key cannot be used.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and KEY.fullmatch(key) is None:
        raise problems.Problem(
            KEY_INVALID, detail="1 to 255 visible ASCII characters are accepted."
        )
    return key
