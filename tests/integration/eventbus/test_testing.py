"""The test kit that publishers and listeners use."""

import uuid

import pytest

from eventbus import subscribe, testing
from eventbus.models import InboxEntry, OutboxEntry
from tests.integration.eventbus import sample


def test_what_is_published_in_a_block_is_captured(bus, subject):
    with testing.capture() as published:
        sample.say(subject, 1, 2)
    sample.say(subject, 3)

    published.assert_published(sample.Noted, times=2)
    published.assert_published(sample.Noted, number=1, subject_id=subject)
    published.assert_published(sample.Noted, times=0, number=3)
    assert [event.number for event in published.of(sample.Noted)] == [1, 2]


def test_a_wrong_expectation_fails_and_shows_what_was_published(bus, subject):
    with testing.capture() as published:
        sample.say(subject, 1)

    with pytest.raises(AssertionError, match=r"was published 1 times, not 2; published: .*Noted"):
        published.assert_published(sample.Noted, times=2)
    with pytest.raises(AssertionError):
        published.assert_nothing_published()


def test_a_block_that_publishes_nothing_says_so(bus):
    with testing.capture() as published:
        pass

    published.assert_nothing_published()


def test_captured_events_are_delivered(bus, subject):
    with testing.capture() as published:
        sample.say(subject, 1)

    published.deliver(times=2)

    assert sample.effects() == [1]


def test_delivery_follows_what_handlers_publish(bus, subject):
    sample.reacting.add(1)
    sample.say(subject, 1)

    testing.deliver()

    assert not OutboxEntry.objects.filter(position=None).exists()


def test_a_rerun_goes_past_the_inbox(bus, subject):
    (event_id,) = sample.say(subject, 1)
    testing.deliver()

    testing.rerun(event_id=event_id)

    assert sample.effects() == [1, 1]
    assert InboxEntry.objects.count() == 1


def test_a_rerun_that_fails_fails_the_test(bus, subject):
    (event_id,) = sample.say(subject, 1)
    testing.deliver()
    sample.poison.add(1)

    with pytest.raises(testing.DeliveryFailed, match="Poisoned"):
        testing.rerun(event_id=event_id)


def test_an_event_whose_handler_has_left_the_code_is_dead(bus, monkeypatch):
    sample.poison.add(1)
    sample.say(uuid.uuid4(), 1)
    testing.deliver(tolerate_failures=True)
    InboxEntry.objects.update(next_attempt_at="2000-01-01T00:00Z")
    monkeypatch.setattr(subscribe.GROUPS["sample"], "handlers", [])

    testing.deliver(tolerate_failures=True)

    assert InboxEntry.objects.get().error == "its handler is no longer in the code"
