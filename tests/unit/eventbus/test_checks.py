"""System checks: mistakes that would only show when an event arrives."""

from uuid import UUID

import pytest

from eventbus import checks, publish
from eventbus.events import Event, event, upcast
from eventbus.subscribe import Group


def ids() -> set[str]:
    return {message.id for message in [*checks.check_bus(None), *checks.check_listeners(None)]}


@pytest.fixture(autouse=True)
def tests_own_a_stream(registries, settings):
    settings.EVENTBUS_OWNERS = {"tests": "tests"}


def declared(wire_name: str = "tests.made.v1") -> type[Event]:
    @event(wire_name, key="thing_id")
    class Made(Event):
        """A thing was made."""

        thing_id: UUID

    return Made


def react(event: Event) -> None:
    """React to it."""


def test_a_complete_declaration_passes():
    Group("listener", streams=["tests"], start="beginning").on(declared())(react)

    assert ids() == set()


def test_an_event_that_nobody_hears_is_mentioned():
    declared()

    assert ids() == {"eventbus.I001"}


def test_a_gap_in_the_upcasters_is_an_error():
    declared("tests.made.v3")
    upcast("tests.made.v1")(dict)

    assert "eventbus.E002" in ids()


@pytest.mark.parametrize("name", ["tests.made.v1", "tests.unheard.v1"])
def test_an_upcaster_that_leads_nowhere_is_an_error(name):
    declared()
    upcast(name)(dict)

    assert "eventbus.E003" in ids()


def test_a_group_without_a_start_is_an_error():
    Group("listener", streams=["tests"])

    assert ids() == {"eventbus.E004"}


def test_a_handler_of_an_undeclared_event_is_an_error():
    Group("listener", streams=["tests"], start="now").on(Event)(react)

    assert ids() == {"eventbus.E005"}


def test_a_group_that_does_not_read_the_events_stream_is_an_error():
    Group("listener", streams=["other"], start="now").on(declared())(react)

    assert "eventbus.E006" in ids()


def test_a_handler_in_another_context_than_its_group_is_an_error(monkeypatch):
    group = Group("listener", streams=["tests"], start="now")
    monkeypatch.setattr(group, "module", "crm.handlers")
    group.on(declared())(react)

    assert "eventbus.E007" in ids()


def test_a_second_receiver_of_the_signal_is_an_error():
    def second(**_):
        pass

    publish.event_published.connect(second)
    try:
        assert "eventbus.E001" in ids()
    finally:
        publish.event_published.disconnect(second)
