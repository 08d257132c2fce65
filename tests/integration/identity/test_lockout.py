"""Five tries in a quarter of an hour, for each address, at every door; PostgreSQL counts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import connection, connections
from django.test import Client
from rest_framework.test import APIClient

from backoffice.models import AuditEntry
from identity import commands, keys, lockout
from identity.models import SignInLock, User
from tests.integration.backoffice.people import somebody

PASSWORD = "correct horse battery"
EMAIL = "ada@example.com"


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_superuser(EMAIL, PASSWORD)


def sign_in(client: Client, password: str, email: str = EMAIL) -> str:
    answer = client.post("/admin/login/", {"username": email, "password": password})
    return "in" if answer.status_code == 302 else answer.content.decode()


def ask_for_token(password: str, email: str = EMAIL) -> Any:
    """Sign in to the API."""
    body = {"email": email, "password": password}
    return APIClient().post("/api/v1/tokens", body, format="json")


def later(minutes: int) -> None:
    """Let time pass for every lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE identity_signinlock SET first_at = first_at - %s::interval,"
            " locked_until = locked_until - %s::interval",
            [f"{minutes} minutes"] * 2,
        )


def test_after_five_wrong_passwords_the_right_one_does_not_open(client, ada):
    answers = [sign_in(client, "wrong") for _ in range(5)]

    answer = sign_in(client, PASSWORD)

    assert "Too many tries" not in answers[3]
    assert "Too many tries" in answers[4]
    assert "Too many tries" in answer


def test_four_wrong_passwords_and_the_right_one_begin_anew(client, ada):
    for _ in range(2):
        for _ in range(4):
            sign_in(client, "wrong")
        assert sign_in(client, PASSWORD) == "in"
        client.post("/admin/logout/")


def test_the_lock_ends_by_itself(client, ada):
    for _ in range(5):
        sign_in(client, "wrong")

    later(16)

    assert sign_in(client, PASSWORD) == "in"


def test_tries_while_locked_do_not_make_the_lock_longer(client, ada):
    for _ in range(5):
        sign_in(client, "wrong")
    until = lockout.locked_until(email=EMAIL)

    sign_in(client, "wrong")

    assert lockout.locked_until(email=EMAIL) == until


def test_another_spelling_is_the_same_address_and_another_address_is_not(client, ada):
    for _ in range(5):
        sign_in(client, "wrong", "ADA@Example.com")
    User.objects.create_superuser("bob@example.com", PASSWORD)

    assert "Too many tries" in sign_in(client, PASSWORD)
    assert sign_in(client, PASSWORD, "bob@example.com") == "in"


def test_an_unknown_address_is_locked_alike(client, db):
    answers = [sign_in(client, "wrong", "nobody@example.com") for _ in range(6)]

    assert "Too many tries" in answers[5]


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
def test_the_api_says_that_an_address_is_locked_and_not_whether_anybody_has_it(ada, email):
    guesses = [ask_for_token("wrong", email) for _ in range(5)]

    answer = ask_for_token(PASSWORD, email)

    assert [guess.json()["code"] for guess in guesses[:4]] == ["credentials_refused"] * 4
    for locked in (guesses[4], answer):
        assert (locked.status_code, locked.json()["code"]) == (429, "locked_out")
        assert 890 < int(locked.headers["Retry-After"]) <= 900
    assert email not in answer.content.decode()


def test_the_api_is_another_door_of_the_same_house(client, ada):
    token = ask_for_token(PASSWORD).json()["token"]
    for _ in range(5):
        ask_for_token("wrong")

    assert "Too many tries" in sign_in(client, PASSWORD)
    kept = APIClient().get("/api/v1/tokens", headers={"Authorization": f"Token {token}"})
    assert kept.status_code == 200


def test_the_api_says_for_how_long_an_address_stays_locked(ada):
    for _ in range(5):
        ask_for_token("wrong")
    later(10)

    answer = ask_for_token(PASSWORD)

    assert 290 < int(answer.headers["Retry-After"]) <= 300


def test_a_new_password_opens_the_lock(client, ada):
    for _ in range(5):
        sign_in(client, "wrong")

    commands.reset_password(
        key=keys.issue(keys.password_reset, user=ada), password="another horse battery"
    )

    assert sign_in(client, "another horse battery") == "in"


def test_an_operator_opens_a_lock_with_a_reason(client, ada):
    for _ in range(5):
        sign_in(client, "wrong")
    client.force_login(somebody("operator"))
    form = {"action": "unlock", "_selected_action": [EMAIL], "confirmed": "yes", "reason": "called"}

    client.post("/admin/identity/signinlock/", form)

    assert not SignInLock.objects.exists()
    assert AuditEntry.objects.get(action="unlock").reason == "called"


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_time_do_not_get_more_of_them(monkeypatch):
    User.objects.create_user(EMAIL, PASSWORD)
    looked_at: list[str] = []
    monkeypatch.setattr(User, "check_password", lambda user, raw: looked_at.append(raw))

    def attempt(number: int) -> None:
        authenticate(username=EMAIL, password=f"guess {number}")
        connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(24)))

    assert len(looked_at) == lockout.TRIES


def test_old_tries_are_swept_away(client, ada):
    sign_in(client, "wrong", "nobody@example.com")
    later(60 * 25)

    sign_in(client, PASSWORD)

    assert not SignInLock.objects.exists()
