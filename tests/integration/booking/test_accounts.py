"""Signing up as a traveller."""

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from booking.events import AccountRegistered
from booking.models import Account, IdempotencyRecord
from eventbus import testing
from identity.models import User

pytestmark = pytest.mark.django_db
SIGN_UP = {"email": "Ada@Example.com", "password": "correct horse battery", "full_name": "Ada Trip"}


def sign_up(key=None, **changes):
    headers = {"Idempotency-Key": key} if key else {}
    return APIClient().post("/api/v1/accounts", SIGN_UP | changes, format="json", headers=headers)


def me(token):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client.get("/api/v1/accounts/me")


def test_signing_up_creates_login_account_and_token_and_is_told_once():
    with testing.capture() as published:
        answer = sign_up(locale="en-GB")

    assert answer.status_code == 201
    shown = me(answer.json()["token"]).json()
    assert shown["account_id"] == answer.json()["account_id"]
    assert (shown["email"], shown["locale"]) == ("ada@example.com", "en-GB")
    assert shown["email_verified_at"] is None
    published.assert_published(
        AccountRegistered, times=1, email="ada@example.com", full_name="Ada Trip", locale="en-GB"
    )


def test_the_same_address_in_any_spelling_is_taken():
    sign_up()

    with testing.capture() as published:
        answer = sign_up(email="ADA@example.COM ")

    assert answer.status_code == 409
    assert answer.json()["code"] == "email_taken"
    assert Account.objects.count() == User.objects.count() == 1
    published.assert_published(AccountRegistered, times=0)


@pytest.mark.parametrize("password", ["short", "1234567890", "password123", "ada@example.com"])
def test_an_easy_password_is_refused_with_its_reasons(password):
    answer = sign_up(password=password)

    assert answer.status_code == 400
    assert answer.json()["code"] == "password_refused"
    assert answer.json()["errors"][0]["pointer"] == "#/password"
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"email": "not an address"},
        {"email": ""},
        {"full_name": ""},
        {"full_name": " "},
        {"full_name": "x" * 201},
        {"locale": "not a locale"},
        {"password": None},
    ],
)
def test_a_bad_field_is_named_and_nothing_is_stored(change):
    answer = sign_up(**change)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"#/{next(iter(change))}"
    assert not User.objects.exists()


def test_a_repeated_sign_up_gets_the_same_account_and_a_token_that_works(key):
    first, again = sign_up(key), sign_up(key)

    assert again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["account_id"] == first.json()["account_id"]
    assert me(first.json()["token"]).status_code == me(again.json()["token"]).status_code == 200
    assert first.json()["token"] not in str(IdempotencyRecord.objects.values())


def test_staff_are_no_travellers_and_nobody_is_told_of_them():
    with testing.capture() as published:
        user = User.objects.create_user("staff@example.com", "correct horse battery", is_staff=True)
    client = APIClient()
    client.force_authenticate(user)

    answer = client.get("/api/v1/accounts/me")

    assert answer.status_code == 403
    assert answer.json()["code"] == "not_a_traveller"
    published.assert_published(AccountRegistered, times=0)


def test_seeding_twice_changes_nothing(partners, settings, capsys):
    settings.DEBUG = True

    call_command("seed")
    before = User.objects.count(), Account.objects.count()
    call_command("seed")

    assert (User.objects.count(), Account.objects.count()) == before == (4, 1)
    assert '"email": "operator@example.com"' in capsys.readouterr().out
