"""The audit log: who came in, who was refused, who changed what; nobody changes the log."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client, RequestFactory

from backoffice import audit
from backoffice.models import AuditEntry
from identity.models import User
from tests.integration.backoffice.people import PASSWORD, somebody

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str, password: str = PASSWORD) -> None:
    client.post("/admin/login/", {"username": email, "password": password})


def lines() -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.order_by("id")
    return list(rows.values_list("actor", "action", "target"))


def test_who_signs_in_and_out_is_written_down(client: Client) -> None:
    user = somebody("operator", password=PASSWORD)

    sign_in(client, user.email)
    client.post("/admin/logout/")

    assert lines() == [
        (user.email, "signed in", user.email),
        (user.email, "signed out", user.email),
    ]


def test_who_was_refused_is_written_down_and_what_strangers_typed_is_not(client: Client) -> None:
    user = somebody("operator", password=PASSWORD)

    sign_in(client, user.email, "wrong")
    sign_in(client, "my secret password", "wrong")

    assert lines() == [
        ("nobody", "sign-in refused", user.email),
        ("nobody", "sign-in refused", "an unknown address"),
    ]


def test_what_is_changed_on_a_form_is_written_down(client: Client) -> None:
    client.force_login(somebody("superuser"))
    AuditEntry.objects.all()
    form = {
        "email": "new@example.com",
        "full_name": "New",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }

    client.post("/admin/identity/user/add/", form)

    added = User.objects.get(email="new@example.com")
    assert lines()[-1] == ("superuser@example.com", "added", f"user {added.pk}: new@example.com")


def test_a_deed_that_fails_leaves_no_line() -> None:
    request = RequestFactory().get("/")

    def fail() -> None:
        with audit.deed(request, "retry", target="saga 1", reason="because"):
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert lines() == []


@pytest.mark.parametrize("change", ["UPDATE {} SET actor = 'eve'", "DELETE FROM {}"])
def test_nobody_changes_the_log(change: str) -> None:
    audit.note(RequestFactory().get("/"), "tried")

    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format("backoffice_auditentry"))

    assert lines() == [("nobody", "tried", "")]
