"""Signing in to the web admin, and keeping logins there."""

import pytest
from django.test import Client

from identity.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def office():
    User.objects.create_superuser("operator@example.com", PASSWORD)
    client = Client()
    client.post("/admin/login/", {"username": "Operator@Example.com", "password": PASSWORD})
    return client


def test_an_operator_signs_in_with_an_address(office):
    assert office.get("/admin/").status_code == 200


def test_a_login_is_created_with_a_normalised_address(office):
    form = {
        "email": "New@Example.com",
        "full_name": "New",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }

    answer = office.post("/admin/identity/user/add/", form)

    assert answer.status_code == 302
    assert User.objects.get(email="new@example.com").check_password(PASSWORD)


@pytest.mark.parametrize("path", ["", "add/", "{id}/change/", "{id}/password/"])
def test_every_page_about_logins_is_shown(office, path):
    url = "/admin/identity/user/" + path.format(id=User.objects.get().pk)

    assert office.get(url).status_code == 200


def test_a_second_spelling_of_an_address_is_an_error_on_the_form(office):
    form = {"email": "OPERATOR@example.com", "password1": PASSWORD, "password2": PASSWORD}

    answer = office.post("/admin/identity/user/add/", form)

    assert answer.status_code == 200
    assert "exists" in answer.content.decode()
