"""Keys sent by mail: each proves one thing, for a while, once."""

from typing import Any
from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator

from identity.models import User


class KeyRefused(Exception):
    """The key is unknown, too old, or was used before."""

    code = "key_refused"


class _VerificationKeys(PasswordResetTokenGenerator):
    """Keys that die when the address changes or is verified."""

    key_salt = "identity.keys.verification"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{user.pk}{user.email}{user.email_verified_at}{timestamp}"


password_reset = default_token_generator
verification = _VerificationKeys()


def issue(keys: PasswordResetTokenGenerator, *, user: User) -> str:
    """Return a key for a user, valid for `PASSWORD_RESET_TIMEOUT` seconds."""
    return f"{user.pk.hex}.{keys.make_token(user)}"


def lock_owner(keys: PasswordResetTokenGenerator, *, key: str) -> User:
    """Return the user of a valid key, locked, so that the key is used once.

    Raises:
        KeyRefused: the key is not valid, or its user may not sign in.
    """
    owner, _, token = key.partition(".")
    try:
        user_id = UUID(hex=owner)
    except ValueError as error:
        raise KeyRefused("This key is not valid (any more).") from error
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is None or not keys.check_token(user, token):
        raise KeyRefused("This key is not valid (any more).")
    return user
