"""`Prefer: wait=n`."""

import uuid
from contextlib import ExitStack

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from booking import selectors
from booking.api import waiting


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("wait=5", 5),
        ("respond-async, wait=5", 5),
        ("wait=5, respond-async", 5),
        ("WAIT = 3", 3),
        ('wait="2"', 2),
        ("wait=600", 10),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait=x", 0),
        ("await=5", 0),
    ],
)
def test_the_preferred_wait_is_read_and_capped(header, seconds):
    request = Request(APIRequestFactory().post("/", headers={"Prefer": header}))

    assert waiting.seconds_preferred(request) == seconds


class Flow:
    """A flow that is over after so many looks, and a clock that moves by pausing only."""

    def __init__(self, *looks):
        self.looks, self.seen, self.now = list(looks), 0, 0.0

    def is_settled(self, *, reservation_id):
        self.seen += 1
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def pause(self, seconds):
        self.now += seconds

    def waited(self, monkeypatch, within):
        monkeypatch.setattr(selectors, "is_settled", self.is_settled)
        return waiting.is_final(
            reservation_id=uuid.uuid4(),
            within=within,
            clock=lambda: self.now,
            pause=self.pause,
        )


def test_waiting_ends_with_the_flow(monkeypatch):
    flow = Flow(False, False, True)

    assert flow.waited(monkeypatch, within=10)
    assert flow.now < 0.5


def test_waiting_ends_when_the_time_is_up(monkeypatch):
    flow = Flow(False)

    assert not flow.waited(monkeypatch, within=2)
    assert flow.now == pytest.approx(2)


def test_without_a_preference_one_look_is_enough(monkeypatch):
    flow = Flow(False)

    assert not flow.waited(monkeypatch, within=0)
    assert flow.seen == 1


def test_nobody_waits_for_what_only_a_person_can_bring_on(monkeypatch):
    flow = Flow(False, None)

    assert not flow.waited(monkeypatch, within=10)
    assert flow.now < 0.1


def test_when_all_places_are_taken_nobody_else_waits():
    with ExitStack() as waiting_ones:
        lent = [waiting_ones.enter_context(waiting.place(5)) for _ in range(waiting.MOST + 1)]

    with waiting.place(5) as seconds:
        assert seconds == 5
    assert lent == [5] * waiting.MOST + [0]


def test_who_does_not_want_to_wait_takes_no_place():
    with ExitStack() as waiting_ones:
        for _ in range(waiting.MOST + 1):
            waiting_ones.enter_context(waiting.place(0))

        assert waiting_ones.enter_context(waiting.place(5)) == 5
