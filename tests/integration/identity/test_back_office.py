"""Signing in to the web admin, and keeping logins there."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from backoffice import roles
from identity.models import User
from tests.integration.backoffice.people import somebody

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


@pytest.fixture
def operator(client):
    client.force_login(somebody("operator"))
    return client


def form_of(user, **changes):
    fields = {"email": user.email, "full_name": user.full_name, "is_active": "on", **changes}
    return {name: value for name, value in fields.items() if value is not None}


def test_an_operator_makes_a_colleague_support(operator):
    user = User.objects.create_user("sue@example.com")
    form = form_of(user, is_staff="on", groups=[roles.group("support").pk])

    answer = operator.post(f"/admin/identity/user/{user.pk}/change/", form)

    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.is_staff
    assert [role.name for role in user.groups.all()] == ["support"]


@pytest.mark.parametrize("beyond", ["is_superuser", "user_permissions", "groups"])
def test_an_operator_gives_nobody_more_than_an_operator_has(operator, beyond):
    user = User.objects.create_user("eve@example.com", is_staff=True)
    given = {
        "is_superuser": "on",
        "user_permissions": [Permission.objects.get(codename="delete_account").pk],
        "groups": [roles.group("privacy officer").pk],
    }[beyond]

    operator.post(
        f"/admin/identity/user/{user.pk}/change/", form_of(user, is_staff="on", **{beyond: given})
    )

    user = User.objects.get(pk=user.pk)
    assert not user.is_superuser
    assert not user.has_perm("booking.delete_account")


@pytest.mark.parametrize("who", ["superuser", "privacy officer"])
@pytest.mark.parametrize("path", ["change/", "password/"])
def test_an_operator_does_not_open_the_door_of_somebody_who_may_do_more(operator, who, path):
    other = somebody(who, password=PASSWORD)
    form = form_of(other, password1="another horse battery", password2="another horse battery")

    answer = operator.post(f"/admin/identity/user/{other.pk}/{path}", form)

    other.refresh_from_db()
    assert answer.status_code == 403
    assert other.check_password(PASSWORD)


def test_an_operator_makes_a_role_out_of_what_an_operator_has(operator):
    held, beyond = (
        Permission.objects.get(codename=codename) for codename in ("view_order", "delete_account")
    )

    operator.post("/admin/auth/group/add/", {"name": "auditors", "permissions": [held.pk]})
    refused = operator.post("/admin/auth/group/add/", {"name": "x", "permissions": [beyond.pk]})

    assert list(Group.objects.get(name="auditors").permissions.all()) == [held]
    assert refused.context["errors"]


@pytest.mark.parametrize("name", ["operator", "privacy officer"])
def test_a_role_of_the_code_is_changed_in_the_code_only(operator, name):
    role = roles.group(name)

    answer = operator.post(f"/admin/auth/group/{role.pk}/change/", {"name": "mine"})

    role.refresh_from_db()
    assert (answer.status_code, role.name) == (403, name)
