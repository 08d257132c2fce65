"""The back office: a provider's staff see the rows of their provider, operators see all."""

import json
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from backoffice.models import AuditEntry
from crm import models
from crm.commands import customers
from crm.domain import Choice
from crm.models import Role
from identity.models import User
from tests.integration.backoffice.people import somebody
from tests.integration.crm.desk import staff_of
from tests.integration.crm.story import ACCOUNT, AIRLINE, HOTEL, OTHER_ACCOUNT, Story, leg, tell_all

pytestmark = pytest.mark.django_db
SHARED = UUID(int=777)
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


@pytest.mark.parametrize("name", PAGES)
def test_a_foreign_row_cannot_be_opened(client, name):
    signed_in(client, staff_of(HOTEL))
    colleague = staff_of(AIRLINE, email="airline@example.com")
    customer = {"provider_id": AIRLINE, "account_id": ACCOUNT}
    customers.add_note(**customer, author_id=colleague.pk, text="A window seat.")
    word = Choice(channel="email", purpose="marketing", granted=True, basis="consent")
    customers.record_preferences(**customer, choices=[word], source="desk")
    foreign = {
        "provider": models.Provider.objects.get(pk=AIRLINE),
        "relationship": models.Relationship.objects.get(provider=AIRLINE),
        "profile": models.Profile.objects.get(pk=ACCOUNT),
        "message": models.Message.objects.get(provider=AIRLINE),
        "interaction": models.Interaction.objects.filter(provider=AIRLINE)[0],
        "note": models.Note.objects.get(provider=AIRLINE),
        "consent": models.Consent.objects.get(provider=AIRLINE),
        "membership": models.Membership.objects.get(provider=AIRLINE),
    }[name]

    assert client.get(f"/admin/crm/{name}/{foreign.pk}/change/").status_code == 302
    assert listed(client, name) == [row for row in listed(client, name) if row.pk != foreign.pk]


def test_the_page_of_a_customer_shows_what_the_provider_knows_and_nothing_of_another(client):
    agent = staff_of(HOTEL)
    tell_all(
        Story()
        .confirmed(reservation_id=SHARED, account_id=OTHER_ACCOUNT, legs=(leg(AIRLINE, "9.00"),))
        .events
    )
    customers.add_note(
        provider_id=AIRLINE, account_id=OTHER_ACCOUNT, author_id=agent.pk, text="A window seat."
    )
    customers.add_note(
        provider_id=HOTEL, account_id=OTHER_ACCOUNT, author_id=agent.pk, text="A quiet room."
    )
    row = models.Relationship.objects.get(provider=HOTEL)

    page = signed_in(client, agent).get(f"/admin/crm/relationship/{row.pk}/change/")

    shown = page.content.decode()
    assert "Grace Hopper at Restwell" in shown
    assert "70.00 EUR" in shown
    assert "A quiet room." in shown
    assert "A window seat." not in shown
    assert f"/admin/crm/note/add/?provider={HOTEL}&amp;account_id={OTHER_ACCOUNT}" in shown
    assert {entry.provider_id for entry in page.context["timeline"]} == {HOTEL}


def test_the_first_page_of_staff_tells_of_their_customers_only(client):
    page = signed_in(client, staff_of(HOTEL)).get("/admin/")

    [panel] = page.context["panels"]
    assert [(row.pk, row.customers, row.confirmed) for row in panel["providers"]] == [(HOTEL, 1, 1)]
    assert {entry.provider_id for entry in panel["entries"]} == {HOTEL}
    assert "Ada Lovelace" not in page.content.decode()


def test_an_operator_makes_a_login_a_member_and_its_line_is_in_the_audit_log(client):
    signed_in(client, somebody("operator"))
    agent = User.objects.create_user("new-agent@example.com", is_staff=True)
    form = {"user": agent.pk, "provider": HOTEL, "role": Role.AGENT}

    answer = client.post("/admin/crm/membership/add/", form)

    assert answer.status_code == 302
    assert models.Membership.objects.get(user=agent).provider_id == HOTEL
    assert AuditEntry.objects.filter(action="added", target__startswith="membership").count() == 1


@pytest.mark.parametrize("role", ["support", "privacy officer"])
def test_who_sees_all_providers_adds_nothing(client, role):
    signed_in(client, somebody(role))

    assert {row.provider_id for row in listed(client, "relationship")} == {HOTEL, AIRLINE}
    assert client.get("/admin/crm/note/add/").status_code == 403


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
