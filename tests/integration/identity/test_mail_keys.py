"""Keys sent by mail: verification and password reset."""

import re
import time

import pytest
from django.core import mail
from rest_framework.test import APIClient

from identity import commands
from identity.models import User

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery"
API = "/api/v1/accounts"


@pytest.fixture
def user():
    user_id = commands.create_user(email="ada@example.com", password=PASSWORD)
    assert mailed(1)
    return User.objects.get(pk=user_id)


def mailed(number):
    """Wait until so many mails have left; return them."""
    deadline = time.monotonic() + 5
    while len(mail.outbox) < number and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(mail.outbox) == number
    return mail.outbox


def key_in(message):
    return re.search(r"^[0-9a-f]{32}\.\S+$", message.body, re.MULTILINE).group()


def post(path, **body):
    return APIClient().post(f"{API}/{path}", body, format="json")


def test_the_mailed_key_verifies_the_address_once(user):
    key = key_in(mail.outbox[0])

    first, second = post("verify", key=key), post("verify", key=key)

    assert first.status_code == 204
    assert User.objects.get().email_verified_at is not None
    assert second.json()["code"] == "key_refused"


def test_a_verification_mail_can_be_asked_for_again(user):
    answer = post("verify/resend", email="ADA@example.com")

    assert answer.status_code == 202
    assert post("verify", key=key_in(mailed(2)[1])).status_code == 204


def test_a_password_reset_sets_the_password_and_ends_every_token(user):
    token = commands.issue_token(email="ada@example.com", password=PASSWORD).token
    post("password-reset", email="ada@example.com")
    key = key_in(mailed(2)[1])

    answer = post("password-reset/confirm", key=key, password="a brand new password")

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert answer.status_code == 204
    assert client.get("/api/v1/tokens").status_code == 401
    assert commands.issue_token(email="ada@example.com", password="a brand new password")
    assert User.objects.get().email_verified_at is not None
    again = post("password-reset/confirm", key=key, password="yet another password")
    assert again.json()["code"] == "key_refused"


def test_a_weak_new_password_leaves_the_key_usable(user):
    post("password-reset", email="ada@example.com")
    key = key_in(mailed(2)[1])

    refused = post("password-reset/confirm", key=key, password="12345")

    assert refused.status_code == 400
    assert refused.json()["code"] == "password_refused"
    assert {error["pointer"] for error in refused.json()["errors"]} == {"#/password"}
    accepted = post("password-reset/confirm", key=key, password="a brand new password")
    assert accepted.status_code == 204


@pytest.mark.parametrize("path", ["password-reset", "verify/resend"])
def test_an_unknown_address_is_answered_like_a_known_one(user, path):
    known, unknown = post(path, email="ada@example.com"), post(path, email="nobody@example.com")

    assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
    assert len(mailed(2)) == 2


@pytest.mark.parametrize("key", ["x", ".", "0" * 32 + ".abc-def", "é.é", "a" * 200])
def test_a_made_up_key_is_refused(user, key):
    assert post("verify", key=key).json()["code"] == "key_refused"
    refused = post("password-reset/confirm", key=key, password="a brand new password")
    assert refused.json()["code"] == "key_refused"


def test_a_verification_key_does_not_reset_a_password(user):
    key = key_in(mail.outbox[0])

    refused = post("password-reset/confirm", key=key, password="a brand new password")

    assert refused.json()["code"] == "key_refused"


def test_a_broken_mail_server_does_not_fail_the_request(user, settings, caplog):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    answer = post("password-reset", email="ada@example.com")

    assert answer.status_code == 202
    deadline = time.monotonic() + 5
    while "mail not sent" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "mail not sent" in caplog.text
