"""A1: flight, hotel and car are booked, paid once, and CRM knows."""

from collections.abc import Callable

import httpx

from tests.flows.conftest import Story
from tests.patience import until


def test_all_legs_are_booked_and_paid_once(story: Story) -> None:
    reservation = story.api.book(flight="standard", stay="standard", car="standard")

    found = story.api.get(reservation)
    assert found["status"] == "confirmed"
    assert story.orders(reservation) == {
        "skyways": ["confirmed"],
        "restwell": ["confirmed"],
        "wheelio": ["confirmed"],
    }
    assert story.intents(reservation) == ["succeeded"]
    story.check(reservation)


def test_crm_shows_the_relationship_with_each_provider(
    story: Story, crm: Callable[[str], httpx.Client]
) -> None:
    story.api.book(flight="standard", stay="standard")

    for slug in ("skyways", "restwell"):
        staff = crm(slug)
        until(
            lambda staff=staff: (
                staff.get(f"crm/customers/{story.api.account_id}").status_code == 200
            ),
            what=f"{slug} knowing the customer",
        )
        timeline = until(
            lambda staff=staff: staff.get(f"crm/customers/{story.api.account_id}/timeline").json()[
                "results"
            ]
        )
        assert any("booked" in entry["kind"] for entry in timeline)
    assert crm("wheelio").get(f"crm/customers/{story.api.account_id}").status_code == 404
