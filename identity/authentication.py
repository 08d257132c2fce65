"""Sign in to the API with `Authorization: Token …`."""

import re
from typing import Any, Final

from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

_TOKEN: Final = re.compile(rb"[A-Za-z0-9_-]{16,200}")


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]
    """Knox's tokens, but bytes that no token consists of are refused instead of looked up."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        """Return the user and the token's row.

        Raises:
            AuthenticationFailed: unknown, expired or impossible token, or an inactive user.
        """
        if _TOKEN.fullmatch(token) is None:
            raise AuthenticationFailed("Invalid token.")
        found: tuple[Any, Any] = super().authenticate_credentials(token)
        return found
