"""Partners in the web admin: an operator adds one, and the world is told."""

import pytest
from django.test import Client

from eventbus.models import OutboxEntry
from providers.models import Partner
from tests.integration.backoffice.people import somebody

pytestmark = pytest.mark.django_db
FORM = {
    "slug": "skybus",
    "name": "SkyBus",
    "kind": "flight",
    "gateway": "network-a",
    "base_url": "https://skybus.example",
}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(somebody("operator"))
    return client


def test_an_operator_adds_a_partner_and_it_is_published(operator: Client) -> None:
    answer = operator.post("/admin/providers/partner/add/", FORM)

    partner = Partner.objects.get()
    event = OutboxEntry.objects.get(type="providers.partner_registered.v1")
    assert answer.status_code == 302
    assert (partner.slug, partner.gateway, event.key) == ("skybus", "network-a", str(partner.pk))


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": ""},
        {"kind": "ship"},
        {"gateway": "network-z"},
        {"base_url": "ftp://skybus.example"},
        {"base_url": "https://user:secret@skybus.example"},
    ],
    ids=str,
)
def test_what_cannot_be_a_partner_is_an_error_on_the_form(
    operator: Client, wrong: dict[str, str]
) -> None:
    answer = operator.post("/admin/providers/partner/add/", {**FORM, **wrong})

    assert answer.status_code == 200
    assert answer.context["errors"]
    assert not Partner.objects.exists()


def test_a_partner_that_is_there_is_not_added_again(operator: Client) -> None:
    operator.post("/admin/providers/partner/add/", FORM)

    answer = operator.post("/admin/providers/partner/add/", {**FORM, "name": "Another"})

    assert answer.context["errors"]
    assert Partner.objects.get().name == "SkyBus"
