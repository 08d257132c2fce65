"""A3: the hotel is sold out: flight and car, already booked, are cancelled; the authorisation is voided."""

from tests.flows.conftest import Story


def test_a_sold_out_hotel_gives_everything_back(story: Story) -> None:
    reservation = story.api.book(flight="standard", stay="sold-out", car="standard")

    found = story.api.get(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", "sold_out")
    assert story.orders(reservation) == {"skyways": ["cancelled"], "wheelio": ["cancelled"]}
    assert story.intents(reservation) == ["canceled"]
    assert story.kinds(reservation, "hold") == ["done", "compensated"]
    story.check(reservation)
