"""What Identity can be asked."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from knox.models import get_token_model


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token as its owner sees it in a list; the secret itself is not kept."""

    id: str
    created_at: datetime
    expires_at: datetime | None
    current: bool


def tokens_of(*, user_id: UUID, current_digest: str = "") -> list[Token]:
    """Return a user's tokens, newest first; `current` marks the one that asked."""
    rows = get_token_model().objects.filter(user_id=user_id).order_by("-created", "digest")
    return [
        Token(
            id=row.token_key,
            created_at=row.created,
            expires_at=row.expiry,
            current=row.digest == current_digest,
        )
        for row in rows
    ]
