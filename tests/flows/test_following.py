"""A traveller follows a booking as it happens, over real HTTP, and comes back after being cut off."""

import json
import threading
from collections.abc import Iterator
from typing import Any

from tests.flows.conftest import ONCE, Story
from tests.patience import until


def events(story: Story, reservation_id: str, *, last: str = "") -> Iterator[dict[str, Any]]:
    """Yield the events of one stream, each with what came before its blank line."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    url = f"reservations/{reservation_id}/events"
    with story.api.http.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200
        block: dict[str, Any] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                block[name] = value
            elif "event" in block:
                yield block
                block = {}


@ONCE
def test_a_booking_is_followed_to_its_end_across_an_interruption(story: Story) -> None:
    reservation_id = story.api.compose(flight="standard", stay="standard")
    story.api.pay_with(reservation_id, "pm_card_visa")
    later = threading.Timer(0.7, story.api.confirm, [reservation_id])

    later.start()
    first = next(iter(events(story, reservation_id)))
    rest = list(events(story, reservation_id, last=first["id"]))

    timeline = story.api.timeline(reservation_id)
    told = [first, *rest[:-1]]
    assert [json.loads(one["data"]) for one in told] == timeline
    assert [one["id"] for one in told] == [str(n) for n in range(1, len(timeline) + 1)]
    assert rest[-1]["event"] == "over"
    assert story.api.get(reservation_id)["status"] == "confirmed"


@ONCE
def test_places_of_readers_who_have_gone_are_noticed_before_their_time(story: Story) -> None:
    reservation_id = story.api.compose(flight="standard")
    url = f"reservations/{reservation_id}/events"

    def opened() -> bool:
        with story.api.http.stream("GET", url) as answer:
            return answer.status_code == 200

    # Several refusals in a row: there are two web processes.
    until(lambda: not any(opened() for _ in range(8)), what="all places being taken")

    until(opened, seconds=18, what="a place")  # a stream would have lasted 25
