"""Partners, and what they offer."""

from datetime import UTC, datetime, timedelta

import httpx
import legs
import pytest

from eventbus.testing import capture
from providers import offers
from providers import services as providers
from providers.events import PartnerRegistered
from providers.models import Partner
from sandbox.server import Server

pytestmark = pytest.mark.django_db


@pytest.fixture
def outage(partners: Server):  # type: ignore[no-untyped-def]
    """Let a partner fail in a way, until the test is over."""
    url = f"{partners.url}/control/outage"
    failed = []

    def fail(partner: str, mode: str) -> None:
        failed.append(partner)
        httpx.post(url, json={"partner": partner, "mode": mode}).raise_for_status()

    yield fail
    for partner in failed:
        httpx.post(url, json={"partner": partner, "mode": "ok"})


def test_a_partner_is_told_once_however_often_it_is_registered(sandbox: Server) -> None:
    with capture() as published:
        first = providers.register_sandbox_partners(base_url=sandbox.url)
        second = providers.register_sandbox_partners(base_url=sandbox.url)

    assert first == second
    published.assert_published(PartnerRegistered, times=len(first))
    published.assert_published(PartnerRegistered, slug="oldinn", kind="stay")
    assert Partner.objects.get(slug="oldinn").gateway == "network-c"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "boat"},
        {"gateway": "carrier-pigeon"},
        {"base_url": "ftp://host"},
        {"base_url": "http://user:secret@host"},
        {"base_url": "http://"},
    ],
)
def test_a_partner_that_makes_no_sense_is_not_added(change: dict[str, str]) -> None:
    described = {
        "slug": "newair",
        "name": "New Air",
        "kind": "flight",
        "gateway": "network-a",
        "base_url": "https://newair.example",
    }

    with pytest.raises(providers.PartnerInvalid):
        providers.register_partner(**(described | change))

    assert not Partner.objects.filter(slug="newair").exists()


def test_a_search_asks_every_partner_of_the_kind(partners: Server) -> None:
    found = providers.search(kind="flight", date=legs.SOON, origin="LHR", destination="JFK")

    assert {offer.provider_name for offer in found.offers} >= {"SkyWays Airlines"}
    assert {offer.offer_id.split(":")[0] for offer in found.offers} == {"skyways", "budgetair"}
    assert found.unavailable_partners == []
    offer = found.offers[0]
    assert offer.starts_zone == "Europe/London"
    assert offer.starts_at.tzinfo is UTC
    assert offer.expires_at > datetime.now(UTC)


@pytest.mark.parametrize("mode", ["down", "hang"])
def test_a_partner_that_does_not_answer_only_misses_out(outage, mode: str) -> None:  # type: ignore[no-untyped-def]
    outage("budgetair", mode)

    found = providers.search(
        kind="flight", date=legs.SOON, origin="LHR", destination="JFK", seconds=1.0
    )

    assert {offer.offer_id.split(":")[0] for offer in found.offers} == {"skyways"}
    assert found.unavailable_partners == ["budgetair"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"kind": "flight", "origin": "LHR", "destination": "XXX"}, "unknown_place"),
        ({"kind": "flight", "origin": "LHR"}, "invalid_search"),
        ({"kind": "stay", "place": "NYC"}, "invalid_search"),
        ({"kind": "boat"}, "invalid_search"),
        ({"kind": "car", "place": "JFK", "days": 900}, "invalid_search"),
    ],
)
def test_a_search_that_nobody_can_answer_is_refused(
    partners: Server, asked: dict[str, object], code: str
) -> None:
    with pytest.raises(providers.InvalidSearch) as refused:
        providers.search(date=legs.SOON, **asked)  # type: ignore[arg-type]

    assert refused.value.code == code


def test_a_date_in_the_past_is_refused(partners: Server) -> None:
    with pytest.raises(providers.InvalidSearch):
        providers.search(kind="car", date=legs.SOON - timedelta(days=365), place="JFK", days=1)


def test_a_quote_is_the_same_offer_at_its_price_of_now(partners: Server) -> None:
    offer = legs.an_offer("skyways")

    quoted = providers.quote(offer_id=offer.offer_id)

    assert (quoted.offer_id, quoted.amount) == (offer.offer_id, offer.amount)
    assert quoted.expires_at >= offer.expires_at


@pytest.mark.parametrize("offer_id", ["skyways:off_unknown", "nobody:off_1", "off_1", ""])
def test_an_offer_that_nobody_made_is_not_found(partners: Server, offer_id: str) -> None:
    with pytest.raises(providers.OfferNotFound):
        providers.quote(offer_id=offer_id)


def test_a_quote_of_a_partner_that_is_down_can_be_tried_again(outage) -> None:  # type: ignore[no-untyped-def]
    offer = legs.an_offer("skyways")
    outage("skyways", "down")

    with pytest.raises(providers.PartnerUnavailable):
        providers.quote(offer_id=offer.offer_id)


def test_a_partner_is_read_once_for_half_a_second_of_calls(
    partners, settings, django_assert_num_queries
):
    settings.PARTNER_LOOK_SECONDS = 60
    first, _ = offers.resolve("skyways:1")
    with django_assert_num_queries(0):
        second, _ = offers.resolve("skyways:2")
    assert second is first

    settings.PARTNER_LOOK_SECONDS = -1
    with django_assert_num_queries(1):
        offers.resolve("skyways:2")


def test_where_a_partner_is_reached_is_known_as_soon_as_it_is_changed(partners, settings):
    settings.PARTNER_LOOK_SECONDS = 60
    partner, _ = offers.resolve("skyways:1")
    described = {"name": partner.name, "kind": partner.kind, "gateway": partner.gateway}

    providers.register_partner(slug="skyways", base_url="http://127.0.0.1:1/elsewhere", **described)

    assert offers.resolve("skyways:1")[0].base_url == "http://127.0.0.1:1/elsewhere"


def test_a_partner_that_is_nobodys_is_looked_for_each_time(partners, settings):
    settings.PARTNER_LOOK_SECONDS = 60
    with pytest.raises(providers.OfferNotFound):
        offers.resolve("newcomer:1")
    described = {"name": "Newcomer", "kind": "flight", "gateway": "network-a"}
    providers.register_partner(slug="newcomer", base_url="http://127.0.0.1:1", **described)

    assert offers.resolve("newcomer:1")[0].slug == "newcomer"
