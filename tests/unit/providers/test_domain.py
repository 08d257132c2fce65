"""The rules of Providers."""

from datetime import UTC, datetime

import pytest

from providers import domain


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ("2027-03-01T09:00:00", "Europe/London", datetime(2027, 3, 1, 9, tzinfo=UTC)),
        ("2027-07-01T09:00:00", "Europe/London", datetime(2027, 7, 1, 8, tzinfo=UTC)),
        ("2027-03-01T09:00:00", "America/New_York", datetime(2027, 3, 1, 14, tzinfo=UTC)),
        ("2027-10-31T01:30:00", "Europe/London", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_wall_time_in_its_zone_is_an_instant(local: str, zone: str, utc: datetime) -> None:
    assert domain.instant(local=local, zone=zone) == utc


@pytest.mark.parametrize(
    ("local", "zone"),
    [
        ("2027-03-01T09:00:00+01:00", "Europe/Paris"),
        ("tomorrow", "Europe/Paris"),
        ("2027-03-01T09:00:00", "Europe/Atlantis"),
        ("2027-03-01T09:00:00", "../etc/passwd"),
        ("2027-03-01T09:00:00", ""),
    ],
)
def test_a_time_that_makes_no_sense_is_an_error(local: str, zone: str) -> None:
    with pytest.raises(ValueError):
        domain.instant(local=local, zone=zone)


def test_an_offer_id_names_its_partner() -> None:
    offer_id = domain.offer_id(slug="skyways", partner_offer_id="off_1:2")

    assert domain.split_offer_id(offer_id) == ("skyways", "off_1:2")


@pytest.mark.parametrize("offer_id", ["", "skyways", ":off_1", "skyways:", "skyways:o\x00"])
def test_an_offer_id_without_partner_or_offer_is_malformed(offer_id: str) -> None:
    with pytest.raises(domain.MalformedOfferId):
        domain.split_offer_id(offer_id)


def test_a_partner_has_the_same_id_everywhere() -> None:
    assert domain.partner_id(slug="skyways") == domain.partner_id(slug="skyways")
    assert domain.partner_id(slug="skyways") != domain.partner_id(slug="restwell")
