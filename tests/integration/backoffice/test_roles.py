"""Who may do what: every page of the web admin, for every role, asked one by one."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from backoffice import roles
from config.roles import BOOKING, BUS, CUSTOMERS, ROLES
from crm.models import Membership, Provider
from identity.models import User
from tests.integration.backoffice.people import somebody

pytestmark = pytest.mark.django_db

EVERYBODY = ["anonymous", "nobody", "traveller", *ROLES, "superuser"]
PAGES = sorted(model._meta.label_lower for model in admin.site._registry)
LOOK_AND_ADD: dict[str, dict[str, str]] = {
    **{key: {"operator": "see", "support": "see", "superuser": "see"} for key in BOOKING},
    **{key: {"operator": "see", "support": "see", "superuser": "see"} for key in BUS},
    **dict.fromkeys(CUSTOMERS, dict.fromkeys([*ROLES, "superuser"], "see")),
    "identity.user": {"operator": "add", "superuser": "add"},
    "auth.group": {"operator": "add", "superuser": "add"},
    "identity.signinlock": {"operator": "see", "superuser": "see"},
    "backoffice.auditentry": {"operator": "see", "privacy officer": "see", "superuser": "see"},
}
"""Page -> role -> see, or add, which includes seeing; a role that is not named sees nothing."""
LOOK_AND_ADD["booking.account"] = {**LOOK_AND_ADD["booking.account"], "privacy officer": "see"}
LOOK_AND_ADD["providers.partner"] = {"operator": "add", "support": "see", "superuser": "add"}
LOOK_AND_ADD["crm.membership"] = {
    **LOOK_AND_ADD["crm.membership"],
    "operator": "add",
    "superuser": "add",
}
for name in ("crm.note", "crm.consent"):
    LOOK_AND_ADD[name] = {**LOOK_AND_ADD[name], "provider staff": "add", "superuser": "add"}
INLINES = {"reservation.item", "reservation.traveller"}
"""Seen on the page of their reservation."""

DEEDS = {
    "booking.sagainstance": ({"retry", "resolve", "cancel"}, {"operator", "superuser"}),
    "booking.discrepancy": ({"settle"}, {"operator", "superuser"}),
    "booking.account": ({"erase"}, {"privacy officer", "superuser"}),
    "eventbus.inboxentry": ({"retry", "skip"}, {"operator", "superuser"}),
    "identity.signinlock": ({"unlock"}, {"operator", "superuser"}),
}
"""Page -> its deeds, and who may do them."""

OWN_PAGES = {
    "admin:eventbus_catalogue": ([], {"operator", "support", "superuser"}),
    "admin:eventbus_about": (["a-key"], {"operator", "support", "superuser"}),
    "admin:booking_trip": ([str(User().pk)], {"operator", "support", "superuser"}),
    "admin:booking_trip_live": ([str(User().pk)], {"operator", "support", "superuser"}),
}
"""Pages beside lists and forms -> their arguments, and who sees them."""


@pytest.fixture
def office(client: Client) -> Any:
    """Return how to come in as somebody; provider staff work for one of two providers."""
    Provider.objects.create(provider_id="00000000-0000-0000-0000-0000000000c9", slug="theirs")
    mine = Provider.objects.create(provider_id="00000000-0000-0000-0000-0000000000c8", slug="mine")

    def enter(role: str) -> Client:
        if role == "traveller":
            client.force_login(User.objects.create_user("toni@example.com"))
        elif role != "anonymous":
            user = somebody(role)
            client.force_login(user)
            if role == "provider staff":
                Membership.objects.create(user=user, provider=mine)
        return client

    return enter


def test_the_matrix_names_every_page_and_the_roles_name_no_permission_that_is_not_there() -> None:
    known = {
        f"{row.content_type.app_label}.{row.codename}"
        for row in Permission.objects.select_related("content_type")
    }

    assert set(PAGES) == set(LOOK_AND_ADD) - INLINES
    assert {name for names in ROLES.values() for name in names} <= known


@pytest.mark.parametrize("role", EVERYBODY)
def test_every_role_sees_its_pages_and_adds_where_it_may(office: Any, role: str) -> None:
    client = office(role)

    seen = {name: _may(client, name) for name in PAGES}

    assert seen == {name: LOOK_AND_ADD[name].get(role, "nothing") for name in PAGES}


@pytest.mark.parametrize("role", EVERYBODY)
def test_every_role_is_offered_its_deeds_and_no_others(office: Any, role: str) -> None:
    client = office(role)

    offered = {name: _deeds(client, name) for name in PAGES}

    assert offered == {
        name: DEEDS[name][0] if role in DEEDS.get(name, (set(), set()))[1] else set()
        for name in PAGES
    }


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("name", OWN_PAGES)
def test_every_role_sees_its_own_kind_of_pages(office: Any, role: str, name: str) -> None:
    arguments, allowed = OWN_PAGES[name]

    answer = office(role).get(reverse(name, args=arguments))

    assert (answer.status_code == 200) == (role in allowed), answer.status_code


@pytest.mark.parametrize("role", EVERYBODY)
def test_nothing_is_deleted_here_but_a_membership(office: Any, role: str) -> None:
    user = office(role).get("/admin/login/").wsgi_request.user
    request = type("Request", (), {"user": user})()

    deletable = {
        model._meta.label_lower
        for model, page in admin.site._registry.items()
        if user.is_staff and page.has_delete_permission(request)
    }

    assert deletable <= {"crm.membership", "identity.user", "auth.group"}
    assert bool(deletable) == (role in {"operator", "superuser"})


def test_roles_are_brought_up_to_date_and_hand_made_ones_left_alone() -> None:
    from_code, by_hand = roles.group("support"), roles.Group.objects.create(name="interns")
    beyond = Permission.objects.get(codename="delete_account")
    from_code.permissions.add(beyond)
    by_hand.permissions.add(beyond)

    roles.synchronise()

    assert beyond not in from_code.permissions.all()
    assert list(by_hand.permissions.all()) == [beyond]
    assert from_code.permissions.count() == len(ROLES["support"])


def _may(client: Client, name: str) -> str:
    """Return what an answer shows: nothing, see, add."""
    model = _model(name)
    opts = model._meta
    place = f"admin:{opts.app_label}_{opts.model_name}"
    listed = client.get(reverse(f"{place}_changelist")).status_code == 200
    added = client.get(reverse(f"{place}_add")).status_code == 200
    assert listed or not added, name
    return "add" if added else "see" if listed else "nothing"


def _deeds(client: Client, name: str) -> set[str]:
    opts = _model(name)._meta
    page = client.get(reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))
    if page.status_code != 200 or page.context.get("action_form") is None:
        return set()
    offered = {value for value, _ in page.context["action_form"].fields["action"].choices}
    return offered - {"", "delete_selected"}


def _model(name: str) -> type[Model]:
    return next(model for model in admin.site._registry if model._meta.label_lower == name)
