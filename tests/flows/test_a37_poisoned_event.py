"""A37: a poisoned event blocks only its own key; after the fix, the parked ones follow in order."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg

from tests.flows.conftest import ONCE, Story
from tests.patience import until

BUG = """
    CREATE FUNCTION story_bug() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'a bug of CRM''s';
    END $$;
    CREATE TRIGGER story_bug BEFORE INSERT ON crm_interaction FOR EACH ROW
        WHEN (NEW.reservation_id = '{reservation_id}') EXECUTE FUNCTION story_bug();
"""
FIX = "DROP FUNCTION IF EXISTS story_bug CASCADE"


@ONCE
def test_a_poisoned_event_holds_up_its_own_trip_only(
    story: Story, crm: Callable[[str], httpx.Client]
) -> None:
    staff, healthy = crm("skyways"), Story(story.stack)
    reservation = story.api.compose(flight="standard")
    with bug(story, reservation):
        story.api.pay_with(reservation, "pm_card_visa")
        story.api.confirm(reservation)
        assert story.api.until_final(reservation)["status"] == "confirmed"
        healthy.api.book(flight="standard")

        until(lambda: trips_of(staff, healthy) == 1, what="the other trip in CRM")
        until(lambda: "parked" in statuses(story, reservation), what="the rest being parked")
        assert statuses(story, reservation) == ["done", "retry", "parked", "parked"]

    held_up = reactions_to(story, reservation)[1]
    why = ["--actor", "ops@example.com", "--reason", "fixed in 1.4.2"]
    # Unless it was just tried again of itself.
    story.stack.manage("eventbus", "dead", "--retry", str(held_up["entry_id"]), *why, check=False)

    until(lambda: trips_of(staff, story) == 1, what="the poisoned trip in CRM")
    reactions = reactions_to(story, reservation)
    finished = [each["finished_at"] for each in reactions]
    assert statuses(story, reservation) == ["done"] * 4
    assert finished == sorted(finished)


@contextmanager
def bug(story: Story, reservation_id: str) -> Iterator[None]:
    """Let CRM fail on every entry of one trip's timeline, until it is mended."""
    with psycopg.connect(story.stack.env["DATABASE_URL"], autocommit=True) as db:
        db.execute(BUG.format(reservation_id=reservation_id))
        try:
            yield
        finally:
            db.execute(FIX)


def trips_of(staff: httpx.Client, story: Story) -> int:
    answer = staff.get(f"crm/customers/{story.api.account_id}")
    return int(answer.json().get("confirmed_trips", 0))


def reactions_to(story: Story, reservation_id: str) -> list[dict[str, Any]]:
    """Return what CRM made of each of a reservation's events, in order."""
    done = story.stack.manage("eventbus", "trace", "--key", reservation_id, "--json")
    return [reaction for event in json.loads(done.stdout) for reaction in event["reactions"]]


def statuses(story: Story, reservation_id: str) -> list[str]:
    return [reaction["status"] for reaction in reactions_to(story, reservation_id)]
