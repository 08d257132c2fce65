"""A36: a new subscriber joins late: it gets the whole history once, and Booking was not touched."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.flows.conftest import ONCE, Story
from tests.integration.eventbus import processes
from tests.patience import until

NEWCOMER = Path(processes.__file__).parent / "newcomer"
POINTS = "SELECT count(*), coalesce(sum(points), 0) FROM loyalty_award WHERE account_id = %s"


@pytest.fixture
def loyalty(story: Story, tmp_path: Path) -> Iterator[processes.Processes]:
    """A context that nobody knows, in processes of its own on the servers of the running stack."""
    env = story.stack.env | {
        "PYTHONPATH": f"{processes.ROOT}:{NEWCOMER}",
        "DJANGO_SETTINGS_MODULE": "loyalty_settings",
        "LOYALTY_DOCUMENTS": str(tmp_path),
    }
    manage = processes.Processes(env, module="django")
    manage.run("migrate", "loyalty")
    yield manage
    manage.kill()
    with psycopg.connect(story.stack.env["DATABASE_URL"]) as db:
        db.execute("DELETE FROM eventbus_cursor WHERE \"group\" = 'loyalty'")
        db.execute("DELETE FROM eventbus_inbox WHERE \"group\" = 'loyalty'")
    manage.run("migrate", "loyalty", "zero")


@ONCE
def test_a_late_subscriber_hears_the_past_and_the_present_once(
    story: Story, loyalty: processes.Processes
) -> None:
    for _ in range(2):
        story.api.book(flight="standard")

    loyalty.start("eventbus", "consume", "loyalty")
    until(lambda: trips_awarded(story) == 2, what="the past", seconds=60)
    story.api.book(flight="standard")
    until(lambda: trips_awarded(story) == 3, what="the present")

    until(lambda: story.stack.manage("eventbus", "doctor", check=False).returncode == 0)
    assert trips_awarded(story) == 3


def trips_awarded(story: Story) -> int:
    with psycopg.connect(story.stack.env["DATABASE_URL"]) as db:
        row = db.execute(POINTS, [story.api.account_id]).fetchone()
    return int(row[0]) if row else 0
