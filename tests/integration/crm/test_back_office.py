"""The back office: a provider's staff see the rows of their provider, operators see all."""

import json

import pytest
from django.core.management import CommandError, call_command

from crm import models
from crm.models import Role
from identity.models import User
from tests.integration.crm.desk import staff_of
from tests.integration.crm.story import ACCOUNT, AIRLINE, HOTEL, OTHER_ACCOUNT, Story, leg, tell_all

pytestmark = pytest.mark.django_db
PAGES = [
    "provider",
    "profile",
    "relationship",
    "interaction",
    "note",
    "consent",
    "message",
    "membership",
]


@pytest.fixture(autouse=True)
def trips():
    """One traveller of the airline, another of the hotel."""
    tell_all(Story().providers().account().confirmed(legs=(leg(AIRLINE, "80.00"),)).events)
    other = Story().account(OTHER_ACCOUNT, "Grace Hopper")
    tell_all(
        other.confirmed(
            reservation_id=OTHER_ACCOUNT, account_id=OTHER_ACCOUNT, legs=(leg(HOTEL, "70.00"),)
        ).events
    )


def signed_in(client, user):
    client.force_login(user)
    return client


def listed(client, name):
    answer = client.get(f"/admin/crm/{name}/")
    assert answer.status_code == 200
    return list(answer.context["cl"].queryset)


@pytest.mark.parametrize("name", PAGES)
def test_staff_see_rows_of_their_provider_only(client, name):
    signed_in(client, staff_of(HOTEL))
    staff_of(AIRLINE, email="airline@example.com")

    rows = listed(client, name)

    if name == "profile":
        assert [row.pk for row in rows] == [OTHER_ACCOUNT]
    elif name == "provider":
        assert [row.pk for row in rows] == [HOTEL]
    else:
        assert {row.provider_id for row in rows} <= {HOTEL}
    if name in {"relationship", "interaction", "message", "membership"}:
        assert rows


def test_operators_see_every_provider_s_rows(client):
    signed_in(client, User.objects.create_superuser("operator@example.com", "password-of-operator"))

    assert {row.provider_id for row in listed(client, "relationship")} == {HOTEL, AIRLINE}
    for name in PAGES:
        listed(client, name)


@pytest.mark.parametrize("name", PAGES)
def test_staff_without_membership_are_turned_away(client, name):
    signed_in(client, staff_of())

    assert client.get(f"/admin/crm/{name}/").status_code == 403


@pytest.mark.parametrize("name", ["relationship", "profile", "message"])
def test_a_foreign_row_cannot_be_opened(client, name):
    signed_in(client, staff_of(HOTEL))
    foreign = {
        "relationship": models.Relationship.objects.get(provider=AIRLINE),
        "profile": models.Profile.objects.get(pk=ACCOUNT),
        "message": models.Message.objects.get(provider=AIRLINE),
    }[name]

    assert client.get(f"/admin/crm/{name}/{foreign.pk}/change/").status_code == 302


@pytest.mark.parametrize("name", PAGES)
def test_staff_change_and_delete_nothing(client, name):
    signed_in(client, staff_of(HOTEL))
    rows = listed(client, name)

    for row in rows:
        assert client.get(f"/admin/crm/{name}/{row.pk}/change/").status_code == 200
        assert client.post(f"/admin/crm/{name}/{row.pk}/change/", {}).status_code == 403
        assert (
            client.post(f"/admin/crm/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        )


def test_a_note_is_added_through_the_command(client):
    agent = staff_of(HOTEL)
    signed_in(client, agent)

    answer = client.post(
        "/admin/crm/note/add/",
        {"provider": HOTEL, "account_id": OTHER_ACCOUNT, "text": "Quiet room."},
    )

    assert answer.status_code == 302
    assert models.Note.objects.get().author_id == agent.pk
    assert models.Interaction.objects.filter(kind="note_added").count() == 1
    assert client.get(f"/admin/crm/note/{models.Note.objects.get().pk}/change/").status_code == 200


@pytest.mark.parametrize(("provider", "account"), [(HOTEL, ACCOUNT), (AIRLINE, ACCOUNT)])
def test_a_note_about_a_foreign_customer_is_refused(client, provider, account):
    signed_in(client, staff_of(HOTEL))

    answer = client.post(
        "/admin/crm/note/add/", {"provider": provider, "account_id": account, "text": "hello"}
    )

    assert answer.status_code == 200
    assert answer.context["errors"]
    assert not models.Note.objects.exists()


def test_a_preference_is_recorded_through_the_command(client):
    signed_in(client, staff_of(HOTEL))
    form = {
        "provider": HOTEL,
        "account_id": OTHER_ACCOUNT,
        "channel": "email",
        "purpose": "marketing",
        "granted": "on",
        "basis": "consent",
    }

    answers = [client.post("/admin/crm/consent/add/", form).status_code for _ in range(2)]
    refused = client.post("/admin/crm/consent/add/", {**form, "purpose": "transactional"})

    assert answers == [302, 302]
    assert models.Consent.objects.get().source == "back office"
    assert refused.context["errors"]


def test_a_read_only_member_adds_nothing(client):
    signed_in(client, staff_of(HOTEL, role=Role.READ_ONLY))

    assert client.get("/admin/crm/note/add/").status_code == 403


def test_seeding_gives_each_provider_one_login_however_often_it_runs(capsys, settings):
    settings.DEBUG = True
    call_command("crm_seed")
    first = json.loads(capsys.readouterr().out)

    call_command("crm_seed")

    assert json.loads(capsys.readouterr().out) == first
    assert {row["email"] for row in first["staff"]} == {
        "staff-skyways@example.com",
        "staff-restwell@example.com",
    }
    assert models.Membership.objects.count() == 2
    assert User.objects.get(email="staff-skyways@example.com").check_password(
        first["staff"][0]["password"]
    )


def test_seeding_in_production_sets_no_password(capsys, settings):
    settings.DEBUG = False

    call_command("crm_seed")

    assert {row["password"] for row in json.loads(capsys.readouterr().out)["staff"]} == {None}
    assert not User.objects.get(email="staff-skyways@example.com").has_usable_password()


def test_seeding_gives_nothing_to_a_traveller_who_took_the_address():
    User.objects.create_user("staff-skyways@example.com", "password-of-somebody")

    with pytest.raises(CommandError, match="not staff"):
        call_command("crm_seed")

    assert not models.Membership.objects.filter(user__email="staff-skyways@example.com").exists()
