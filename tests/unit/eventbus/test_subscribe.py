"""Groups and handlers: declared beside the code that reacts."""

from uuid import UUID

import pytest

from eventbus.events import Event, event
from eventbus.subscribe import Backoff, Group, SubscriptionMisdeclared

pytestmark = pytest.mark.usefixtures("registries")


@pytest.fixture
def heard() -> type[Event]:
    @event("tests.heard.v1", key="thing_id")
    class Heard(Event):
        """Something was heard."""

        thing_id: UUID

    return Heard


def test_a_handler_knows_where_its_code_is(heard):
    group = Group("listener", streams=["tests"], start="now")

    @group.on(heard)
    def react(event: Event) -> None:
        """React to it.

        At length.
        """

    (handler,) = group.handlers_of("tests.heard")
    assert handler.source.startswith("tests/unit/eventbus/test_subscribe.py:")
    assert handler.name.endswith("react")
    assert handler.description == "React to it."
    assert react.__name__ == "react"


def test_a_handler_is_told_as_much_as_it_asks_for(heard):
    group = Group("listener", streams=["tests"], start="now")
    told = []

    @group.on(heard)
    def short(event):
        told.append((event,))

    @group.on(heard)
    def long(event, meta):
        told.append((event, meta))

    for handler in group.handlers_of("tests.heard"):
        handler.run("event", "meta")  # type: ignore[arg-type]

    assert told == [("event",), ("event", "meta")]


def test_a_group_name_is_taken_once():
    Group("listener", streams=["tests"], start="now")

    with pytest.raises(SubscriptionMisdeclared):
        Group("listener", streams=["tests"], start="now")


def test_a_function_listens_to_an_event_once(heard):
    group = Group("listener", streams=["tests"], start="now")

    def react(event):
        pass

    group.on(heard)(react)
    with pytest.raises(SubscriptionMisdeclared):
        group.on(heard)(react)


def test_the_wait_grows_up_to_a_cap_and_ends():
    backoff = Backoff(first=2, factor=3, cap=10, attempts=5)

    waits = [backoff.delay(attempts=n) for n in range(1, 6)]

    for wait, expected in zip(waits[:4], [2, 6, 10, 10], strict=True):
        assert wait is not None
        assert 0.8 * expected <= wait.total_seconds() <= 1.2 * expected
    assert waits[4] is None
