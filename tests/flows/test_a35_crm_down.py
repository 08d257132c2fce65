"""A35: CRM is down: booking is not affected; CRM catches up, misses none, doubles none."""

from collections.abc import Callable

import httpx

from tests.flows.conftest import Story
from tests.patience import until


def test_crm_catches_up_without_a_gap_or_a_double(
    story: Story, crm: Callable[[str], httpx.Client]
) -> None:
    staff = crm("skyways")
    consumer = story.stack.processes["consumer-crm"]
    consumer.stop()

    reservations = [story.api.book(flight="standard") for _ in range(3)]
    unheard = staff.get(f"crm/customers/{story.api.account_id}")
    consumer.start()

    assert unheard.status_code == 404
    customer = until(
        lambda: (
            (found := staff.get(f"crm/customers/{story.api.account_id}").json()).get(
                "confirmed_trips"
            )
            == 3
            and found
        ),
        what="three trips in CRM",
    )
    assert customer["confirmed_trips"] == len(reservations) == 3
    until(lambda: story.stack.manage("eventbus", "doctor", check=False).returncode == 0)
