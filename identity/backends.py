"""Signing in with address and password, at every door: the web admin and the API."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from identity import lockout
from identity.models import User


class LockingBackend(ModelBackend):
    """Count each try; a locked address is refused without a look at the password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user whose password it is.

        Raises:
            PermissionDenied: the address is locked.
        """
        if username is None or password is None:
            return None
        if not lockout.count_try(email=username):
            raise PermissionDenied("Too many tries under this address.")
        user: User | None = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            lockout.forget(email=username)
        return user
