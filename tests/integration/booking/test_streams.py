"""A reservation's progress as server-sent events."""

import json

import pytest

from booking.api import streams
from booking.orchestrator import engine
from booking.orchestrator.models import SagaInstance
from tests.integration.booking.hanging_up import hang_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("partners")]


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch, settings):
    """The test is the only worker, and a stream that has nothing to wait for ends soon."""
    monkeypatch.setattr("booking.tasks.dispatch", lambda saga_id: True)
    settings.EVENT_STREAM_SECONDS = 0.1


@pytest.fixture
def trip(ada, key):
    """Return the address of the events of a trip that is being booked."""
    page = ada.composed(card="pm_card_visa")
    assert ada.send(f"reservations/{page['id']}/confirm", key=key).status_code == 202
    return page["links"]["events"]


def work():
    """Let the trip be booked to its end."""
    engine.advance(SagaInstance.objects.get().pk)
    assert SagaInstance.objects.get().state == "completed"


def follow(ada, trip, last=None):
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    return ada.get(trip, headers=headers)


def told(answer):
    """Return (id, event, data) of each event of a whole stream."""
    assert answer.headers["Content-Type"] == "text/event-stream"
    blocks = b"".join(answer.streaming_content).decode().split("\n\n")
    fields = [
        dict(line.split(": ", 1) for line in block.split("\n") if ": " in line) for block in blocks
    ]
    return [
        (one.get("id"), one["event"], json.loads(one["data"])) for one in fields if "event" in one
    ]


def test_a_stream_tells_the_timeline_and_that_it_is_over(ada, trip):
    work()

    *entries, last = told(follow(ada, trip))

    timeline = ada.get(trip.replace("events", "timeline")).json()["timeline"]
    assert entries == [(str(n), "progress", entry) for n, entry in enumerate(timeline, 1)]
    assert last == (None, "over", {})


def test_who_was_cut_off_goes_on_after_the_last_event(ada, trip):
    begun = told(follow(ada, trip))
    work()

    rest = told(follow(ada, trip, last=begun[-1][0]))

    assert [event for _, event, _ in begun] == ["progress"]
    assert [number for number, _, _ in rest[:-1]] == [str(n) for n in range(2, len(rest) + 1)]


def test_who_has_it_all_need_not_come_back(ada, trip):
    work()
    *_, last, _ = told(follow(ada, trip))

    answer = follow(ada, trip, last=last[0])

    assert answer.status_code == 204


def test_a_draft_is_quiet_until_it_is_confirmed(ada):
    draft = ada.composed()["links"]["events"]

    assert told(follow(ada, draft)) == []


def test_a_silent_stream_gives_signs_of_life(ada, trip, monkeypatch, settings):
    settings.EVENT_STREAM_SECONDS = 30
    monkeypatch.setattr(streams, "SIGN_OF_LIFE_SECONDS", 0.02)
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.01)

    answer = follow(ada, trip, last="1")
    first, *signs = [next(answer.streaming_content) for _ in range(3)]
    hang_up(answer)

    assert (first, signs) == (b"retry: 1000\n\n", [b":\n\n", b":\n\n"])


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "1" * 10, " "])
def test_a_strange_number_is_refused(ada, trip, last):
    answer = follow(ada, trip, last=last)

    assert (answer.status_code, answer.json()["code"]) == (400, "event_id_invalid")


def test_streams_are_bounded_and_a_place_comes_back_even_from_one_never_read(ada, trip, settings):
    settings.EVENT_STREAMS = 1
    first = follow(ada, trip)

    second = follow(ada, trip)
    hang_up(first)
    hang_up(first)
    third = follow(ada, trip)

    assert (second.status_code, second.json()["code"]) == (429, "too_many_streams")
    assert second.headers["Retry-After"] == "5"
    assert told(third)[0][1] == "progress"


def test_one_traveller_does_not_take_all_the_places(ada, eve, trip):
    open_ones = [follow(ada, trip) for _ in range(2)]
    draft = eve.composed()["links"]["events"]

    third, another = follow(ada, trip), follow(eve, draft)

    assert (third.status_code, another.status_code) == (429, 200)
    for one in [*open_ones, another]:
        hang_up(one)


def test_somebody_else_s_trip_cannot_be_followed(eve, trip):
    answer = follow(eve, trip)

    assert (answer.status_code, answer.json()["code"]) == (404, "reservation_not_found")
