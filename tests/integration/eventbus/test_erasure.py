"""Erasing: personal fields in the log are overwritten, and Redis does not keep them either."""

import uuid

import pytest
from django.db import transaction

from crm.models import Profile
from eventbus import connections, erasure, log, numbering, publish, testing, trace
from eventbus.models import InboxEntry, OutboxEntry, Stream
from tests.integration.crm.story import ACCOUNT, OTHER_ACCOUNT, Story
from tests.integration.eventbus import sample
from tests.integration.eventbus.conftest import (
    consuming,
    entry_ids,
    made_relay,
    relaying,
    running,
    stream_key,
)
from tests.patience import until


class ChangedMyMind(Exception):
    """The business transaction is rolled back."""


def say_as(author: str, subject: uuid.UUID, number: int) -> uuid.UUID:
    with transaction.atomic():
        return publish.publish(sample.Noted(subject_id=subject, number=number, author=author))


@transaction.atomic
def erase_and_fail(subject: uuid.UUID) -> None:
    erasure.erase(stream="tests", keys=[subject])
    raise ChangedMyMind


def authors() -> list[str]:
    return list(OutboxEntry.objects.order_by("id").values_list("data__author", flat=True))


def everything_in_redis(client) -> str:
    return "".join(str(client.xrange(key)) for key in client.scan_iter("eb:*"))


def test_personal_fields_of_a_key_are_overwritten_and_nothing_else(bus, subject):
    other = uuid.uuid4()
    say_as("lovelace", subject, 1)
    say_as("bob", other, 2)

    erased = erasure.erase(stream="tests", keys=[subject])

    assert erased == erasure.Erased(events=1, errors=0)
    assert authors() == ["erased", "bob"]
    assert OutboxEntry.objects.get(key=str(subject)).data["number"] == 1


def test_an_erased_event_is_still_delivered_replayed_and_traced(bus, subject):
    event_id = say_as("lovelace", subject, 1)
    erasure.erase(stream="tests", keys=[str(subject)])

    testing.deliver()
    testing.rerun(event_id=event_id)

    assert sample.effects() == [1, 1]
    assert trace.reaction_tree(event_id=event_id).reactions[0].status == "done"


def test_erasing_twice_changes_nothing_the_second_time(bus, subject):
    say_as("lovelace", subject, 1)
    erasure.erase(stream="tests", keys=[subject])
    epoch = Stream.objects.get(name="tests").epoch

    again = erasure.erase(stream="tests", keys=[subject])

    assert again.events == 0
    assert Stream.objects.get(name="tests").epoch == epoch


def test_redis_forgets_and_is_filled_from_the_overwritten_log(relay, redis_client, subject):
    say_as("lovelace", subject, 1)
    relay.relay(stream="tests")
    before = everything_in_redis(redis_client)
    old_key = stream_key()

    erasure.erase(stream="tests", keys=[subject])
    made_relay().relay(stream="tests")

    assert "lovelace" in before
    assert stream_key() != old_key
    assert entry_ids(redis_client) == ["1-0"]
    assert "lovelace" not in everything_in_redis(redis_client)
    assert "erased" in everything_in_redis(redis_client)


def test_a_running_bus_loses_and_doubles_nothing_over_erasures(bus, redis_client, subject):
    with running(relaying, relaying, consuming):
        for number in range(60):
            say_as("lovelace", subject, number)
            if number % 20 == 13:
                erasure.erase(stream="tests", keys=[subject])
        erasure.erase(stream="tests", keys=[subject])
        until(lambda: len(sample.effects()) >= 60)
        until(lambda: "lovelace" not in everything_in_redis(redis_client))

    assert sample.effects() == list(range(60))
    assert set(authors()) == {"erased"}


def test_a_redis_that_was_down_forgets_when_it_is_back(relay, redis_client, settings, subject):
    say_as("lovelace", subject, 1)
    relay.relay(stream="tests")
    reachable = settings.EVENTBUS_REDIS_URL
    settings.EVENTBUS_REDIS_URL = "redis://127.0.0.1:1/0"
    erasure.erase(stream="tests", keys=[subject])
    made_relay().relay(stream="tests")
    settings.EVENTBUS_REDIS_URL = reachable

    made_relay().relay(stream="tests")

    assert "lovelace" not in everything_in_redis(connections.client(timeout=2))


def test_a_slow_relay_that_writes_to_the_old_life_is_cleaned_up_after(relay, redis_client, subject):
    say_as("lovelace", subject, 1)
    relay.relay(stream="tests")
    old_key = stream_key()
    erasure.erase(stream="tests", keys=[subject])
    relay.relay(stream="tests")

    redis_client.xadd(old_key, {"data": "lovelace"}, id="2-0")
    made_relay().relay(stream="tests")

    assert not redis_client.exists(old_key)


def test_an_ended_life_is_taken_off_the_list_after_a_minute(relay, redis_client, subject):
    say_as("lovelace", subject, 1)
    erasure.erase(stream="tests", keys=[subject])
    relay.relay(stream="tests")
    listed = Stream.objects.get(name="tests").ended
    Stream.objects.update(ended=[[epoch, at - 61] for epoch, at in listed])

    made_relay().relay(stream="tests")

    assert len(listed) == 1
    assert Stream.objects.get(name="tests").ended == []


def test_a_rollback_of_the_caller_erases_nothing(bus, subject):
    say_as("lovelace", subject, 1)
    epoch = Stream.objects.get(name="tests").epoch

    with pytest.raises(ChangedMyMind):
        erase_and_fail(subject)

    assert authors() == ["lovelace"]
    assert Stream.objects.get(name="tests").epoch == epoch


def test_error_texts_that_may_quote_the_event_go_too(bus, subject):
    sample.poison.add(1)
    say_as("lovelace", subject, 1)
    testing.deliver(tolerate_failures=True)

    erased = erasure.erase(stream="tests", keys=[subject])

    assert erased.errors == 1
    entry = InboxEntry.objects.get()
    assert (entry.status, entry.error) == ("retry", "erased")


def test_what_the_current_version_does_not_declare_goes_too(bus, subject):
    say_as("lovelace", subject, 1)
    entry = OutboxEntry.objects.get()
    OutboxEntry.objects.update(data=entry.data | {"old_name": "Ada"})

    erasure.erase(stream="tests", keys=[subject])

    assert "old_name" not in OutboxEntry.objects.get().data


def test_what_cannot_be_read_is_emptied(bus, subject):
    say_as("lovelace", subject, 1)
    OutboxEntry.objects.update(type="tests.noted.v9")

    erasure.erase(stream="tests", keys=[subject])

    entry = OutboxEntry.objects.get()
    assert (entry.type, entry.data) == ("tests.noted.v9", {})


def test_an_event_that_is_being_numbered_meanwhile_is_erased_as_well(bus, subject):
    say_as("lovelace", subject, 1)
    numbering.number(stream="tests")
    say_as("lovelace", subject, 2)

    erasure.erase(stream="tests", keys=[subject])
    numbered = numbering.number(stream="tests").records

    assert authors() == ["erased", "erased"]
    assert [record.position for record in numbered] == [2]
    assert "lovelace" not in log.read(stream="tests", after=1, limit=1)[0].data


@pytest.mark.django_db
def test_a_listener_that_joins_after_an_erasure_never_learns_who_it_was():
    told = Story().account(ACCOUNT, "Grace Hopper").account(OTHER_ACCOUNT, "Alan Turing").events
    with transaction.atomic():
        for each in told:
            publish.publish(each.event)

    erasure.erase(stream="booking", keys=[ACCOUNT])
    testing.deliver()

    names = dict(Profile.objects.values_list("account_id", "full_name"))
    assert names == {ACCOUNT: "erased", OTHER_ACCOUNT: "Alan Turing"}
