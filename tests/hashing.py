"""Passwords of tests: hashed in no time, where Argon2 takes a fifth of a second."""

from typing import Final

QUICK: Final = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""For the setting `PASSWORD_HASHERS`."""
