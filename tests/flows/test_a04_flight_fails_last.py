"""A4: the flight fails last: hotel and car are cancelled."""

from tests.flows.conftest import Story


def test_a_flight_that_fails_last_cancels_hotel_and_car(story: Story) -> None:
    reservation = story.api.book(flight="sold-out-late", stay="standard", car="standard")

    booked = [entry for entry in story.api.timeline(reservation) if entry["step"] == "book"]
    assert [entry["kind"] for entry in booked] == [
        "done",
        "done",
        "refused",
        "compensated",
        "compensated",
    ]
    assert story.orders(reservation) == {"restwell": ["cancelled"], "wheelio": ["cancelled"]}
    assert story.intents(reservation) == ["canceled"]
    story.check(reservation)
