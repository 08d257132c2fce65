"""How passwords are kept where it counts: the tests themselves use a quick way (tests/conftest.py)."""

from typing import Any

from django.contrib.auth.hashers import check_password, make_password

from config import settings as served


def test_passwords_are_hashed_by_argon2_wherever_this_is_served(settings: Any) -> None:
    settings.PASSWORD_HASHERS = served.PASSWORD_HASHERS

    kept = make_password("correct horse battery")

    assert kept.startswith("argon2$argon2id$")
    assert check_password("correct horse battery", kept)
    assert not check_password("correct horse batterie", kept)
