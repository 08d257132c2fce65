"""Signing in and out."""

import pytest
from django.db import IntegrityError
from rest_framework.test import APIClient

from identity.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def user():
    return User.objects.create_user("Ada@Example.com ", PASSWORD, full_name="Ada")


def sign_in(email="ada@example.com", password=PASSWORD):
    return APIClient().post("/api/v1/tokens", {"email": email, "password": password}, format="json")


def bearing(token):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.mark.parametrize("spelling", ["ada@example.com", "ADA@EXAMPLE.COM", "  Ada@example.com"])
def test_an_address_signs_in_however_it_is_spelled(user, spelling):
    answer = sign_in(email=spelling)

    assert answer.status_code == 201
    assert bearing(answer.json()["token"]).get("/api/v1/tokens").status_code == 200


def test_the_database_refuses_a_second_spelling_of_an_address(user):
    with pytest.raises(IntegrityError):
        User.objects.bulk_create([User(email="ADA@example.com", password="!")])


@pytest.mark.parametrize(
    ("email", "password"), [("ada@example.com", "wrong"), ("nobody@example.com", PASSWORD)]
)
def test_wrong_password_and_unknown_address_look_the_same(user, email, password):
    answer = sign_in(email=email, password=password)

    assert answer.status_code == 401
    assert answer.json()["code"] == "credentials_refused"


def test_a_closed_login_neither_signs_in_nor_keeps_its_tokens(user):
    token = sign_in().json()["token"]
    User.objects.update(is_active=False)

    assert sign_in().status_code == 401
    assert bearing(token).get("/api/v1/tokens").json()["code"] == "token_invalid"


def test_tokens_are_listed_without_their_secret_and_the_asking_one_is_marked(user):
    sign_in()
    token = sign_in().json()["token"]

    listed = bearing(token).get("/api/v1/tokens").json()["tokens"]

    assert len(listed) == 2
    assert [entry["current"] for entry in listed] == [True, False]
    assert token not in str(listed)


def test_one_token_can_be_revoked_by_its_owner_only(user):
    User.objects.create_user("eve@example.com", PASSWORD)
    issued = sign_in().json()
    eve = bearing(sign_in(email="eve@example.com").json()["token"])
    url = f"/api/v1/tokens/{issued['id']}"

    assert eve.delete(url).status_code == 404
    assert bearing(issued["token"]).delete(url).status_code == 204
    assert bearing(issued["token"]).get("/api/v1/tokens").status_code == 401


def test_all_tokens_can_be_revoked_at_once(user):
    first, second = sign_in().json()["token"], sign_in().json()["token"]

    answer = bearing(first).delete("/api/v1/tokens")

    assert answer.status_code == 204
    assert bearing(second).get("/api/v1/tokens").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token a b",
        "Token \x00",
        "Token \xff\xfe" + "a" * 30,
        "Token " + "a" * 64,
        "Basic x",
    ],
)
def test_an_impossible_token_is_refused_with_a_challenge(header):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)

    answer = client.get("/api/v1/tokens")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert answer.json()["code"] in {"token_invalid", "not_authenticated"}


def test_answers_about_logins_are_not_cached(user):
    assert sign_in().headers["Cache-Control"] == "no-store"
