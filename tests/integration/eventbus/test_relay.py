"""The relay: dense positions in commit order, and a Redis that may forget everything."""

import threading
import uuid

import redis
from django.conf import settings
from django.db import connection, connections, transaction

from eventbus import nudge, numbering, publish, wakeup
from eventbus.models import OutboxEntry, Stream
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


def test_events_are_numbered_densely_and_appended_under_their_position(
    relay, redis_client, subject
):
    sample.say(subject, 1, 2, 3)

    relay.relay(stream="tests")

    assert entry_ids(redis_client) == ["1-0", "2-0", "3-0"]
    assert list(OutboxEntry.objects.order_by("id").values_list("position", flat=True)) == [1, 2, 3]
    stream = Stream.objects.get(name="tests")
    assert (stream.head, stream.published) == (3, 3)


def test_an_entry_carries_cloudevents_attributes(relay, redis_client, subject):
    (event_id,) = sample.say(subject, 1)

    relay.relay(stream="tests")

    ((_, fields),) = redis_client.xrange(stream_key())
    assert fields["specversion"] == "1.0"
    assert fields["id"] == str(event_id)
    assert fields["source"] == "/contexts/tests/tests"
    assert (fields["type"], fields["subject"]) == ("tests.noted.v1", str(subject))
    assert "causationid" not in fields


def test_an_event_that_commits_late_is_numbered_late_and_not_lost(relay, redis_client, subject):
    begun, may_commit = threading.Event(), threading.Event()

    def slow_writer() -> None:
        with transaction.atomic():
            publish.publish(sample.Noted(subject_id=uuid.uuid4(), number=1))
            begun.set()
            may_commit.wait(10)
        connections.close_all()

    writer = threading.Thread(target=slow_writer)
    writer.start()
    begun.wait(10)
    sample.say(subject, 2)

    relay.relay(stream="tests")
    before = list(
        OutboxEntry.objects.filter(position__isnull=False).values_list("data__number", "position")
    )
    may_commit.set()
    writer.join()
    relay.relay(stream="tests")

    assert before == [(2, 1)]
    assert OutboxEntry.objects.get(data__number=1).position == 2
    assert entry_ids(redis_client) == ["1-0", "2-0"]


def test_two_relays_append_each_event_once_and_in_order(bus, redis_client):
    subjects = [uuid.uuid4() for _ in range(4)]

    with running(relaying, relaying):
        for number in range(300):
            sample.say(subjects[number % 4], number)
        until(lambda: Stream.objects.get(name="tests").published == 300)

    assert entry_ids(redis_client) == [f"{n}-0" for n in range(1, 301)]


def test_a_relay_that_was_overtaken_appends_nothing_twice(relay, redis_client, subject):
    other = made_relay()
    sample.say(subject, 1)
    relay.relay(stream="tests")
    other.relay(stream="tests")
    sample.say(subject, 2, 3)
    numbering.number(stream="tests")

    other.relay(stream="tests")
    relay.relay(stream="tests")

    assert entry_ids(redis_client) == ["1-0", "2-0", "3-0"]


def test_a_crash_after_numbering_loses_nothing(bus, redis_client, subject):
    sample.say(subject, 1, 2)
    numbering.ensure_stream(stream="tests")
    numbering.number(stream="tests")

    made_relay().relay(stream="tests")

    assert entry_ids(redis_client) == ["1-0", "2-0"]


def test_a_crash_after_appending_doubles_nothing(relay, redis_client, subject):
    sample.say(subject, 1, 2)
    relay.relay(stream="tests")
    Stream.objects.update(published=0)

    made_relay().relay(stream="tests")

    assert entry_ids(redis_client) == ["1-0", "2-0"]


def test_an_emptied_redis_is_filled_again(relay, redis_client, subject):
    sample.say(subject, 1, 2)
    relay.relay(stream="tests")
    redis_client.flushdb()
    sample.say(subject, 3)

    relay.relay(stream="tests")

    assert entry_ids(redis_client) == ["1-0", "2-0", "3-0"]


def test_an_emptied_redis_is_noticed_without_any_new_event(bus, redis_client, subject):
    sample.say(subject, 1, 2)

    with running(relaying):
        until(
            lambda: redis_client.exists(stream_key()) and entry_ids(redis_client) == ["1-0", "2-0"]
        )
        redis_client.flushdb()
        until(lambda: entry_ids(redis_client) == ["1-0", "2-0"], seconds=10)


def test_an_emptied_redis_is_noticed_while_nudges_for_others_keep_the_relay_awake(
    bus, redis_client, subject
):
    sample.say(subject, 1, 2)

    with running(relaying):
        until(
            lambda: redis_client.exists(stream_key()) and entry_ids(redis_client) == ["1-0", "2-0"]
        )
        redis_client.flushdb()

        def filled() -> bool:
            redis_client.publish(nudge.channel(), "")
            return entry_ids(redis_client) == ["1-0", "2-0"]

        until(filled, seconds=10)


def test_a_redis_that_went_back_in_time_gets_the_rest_again(relay, redis_client, subject):
    sample.say(subject, 1)
    relay.relay(stream="tests")
    dump = _raw_client().dump(stream_key())
    sample.say(subject, 2, 3)
    relay.relay(stream="tests")

    _raw_client().restore(stream_key(), 0, dump, replace=True)
    sample.say(subject, 4)
    relay.relay(stream="tests")

    assert entry_ids(redis_client) == ["1-0", "2-0", "3-0", "4-0"]


def test_a_trimmed_stream_goes_on_where_it_was(relay, redis_client, subject):
    sample.say(subject, 1, 2)
    relay.relay(stream="tests")
    redis_client.xtrim(stream_key(), maxlen=0)
    sample.say(subject, 3)

    relay.relay(stream="tests")

    assert entry_ids(redis_client) == ["3-0"]


def test_a_log_restored_to_an_earlier_point_starts_a_new_life_in_redis(
    relay, redis_client, subject
):
    sample.say(subject, 1, 2, 3)
    relay.relay(stream="tests")
    old_key = stream_key()
    _restore_log(position=1)
    sample.say(subject, 20)

    restarted = made_relay()
    restarted.relay(stream="tests")
    restarted.relay(stream="tests")

    assert stream_key() != old_key
    assert not redis_client.exists(old_key)
    assert [fields["data"] for _, fields in redis_client.xrange(stream_key())][-1].count(
        '"number": 20'
    )


def test_a_restored_log_that_has_outgrown_redis_is_noticed_by_the_event_id(
    relay, redis_client, subject
):
    sample.say(subject, 1, 2)
    relay.relay(stream="tests")
    old_key = stream_key()
    _restore_log(position=1)
    sample.say(subject, 20, 30, 40)
    numbering.number(stream="tests")

    restarted = made_relay()
    restarted.relay(stream="tests")
    restarted.relay(stream="tests")

    assert stream_key() != old_key
    assert entry_ids(redis_client) == ["1-0", "2-0", "3-0", "4-0"]


def test_numbering_goes_on_while_redis_is_down(bus, settings, subject):
    settings.EVENTBUS_REDIS_URL = "redis://127.0.0.1:1/0"
    relay = made_relay()
    sample.say(subject, 1)

    relay.relay(stream="tests")

    assert OutboxEntry.objects.get().position == 1


def test_a_relay_survives_the_loss_of_its_database_connections(bus, redis_client, subject):
    with running(relaying):
        sample.say(subject, 1)
        until(lambda: Stream.objects.get(name="tests").published == 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        sample.say(subject, 2)
        until(lambda: Stream.objects.get(name="tests").published == 2)

    assert entry_ids(redis_client) == ["1-0", "2-0"]


def _restore_log(*, position: int) -> None:
    """Do to the tables what restoring a backup does."""
    OutboxEntry.objects.filter(position__gt=position).delete()
    Stream.objects.update(head=position, published=position)


def _raw_client() -> redis.Redis:
    """A dump is bytes, which the bus's own clients would decode."""
    return redis.Redis.from_url(settings.EVENTBUS_REDIS_URL, protocol=2)


def test_a_nudge_wakes_the_relay_long_before_its_poll(bus, redis_client, subject, monkeypatch):
    monkeypatch.setattr(wakeup, "POLL_SECONDS", 7.0)
    with running(relaying):
        until(lambda: redis_client.pubsub_numsub(nudge.channel())[0][1] == 1)

        sample.say(subject, 1)

        until(lambda: entry_ids(redis_client) == ["1-0"], seconds=3)


def test_without_a_nudge_the_poll_finds_the_event(bus, redis_client, subject, monkeypatch):
    monkeypatch.setattr(nudge, "publish", lambda stream: None)
    with running(relaying):
        until(lambda: redis_client.pubsub_numsub(nudge.channel())[0][1] == 1)

        sample.say(subject, 1)

        until(lambda: entry_ids(redis_client) == ["1-0"])


def test_a_stream_is_capped_and_what_was_trimmed_is_read_from_the_log(
    bus, redis_client, settings, subject
):
    settings.EVENTBUS_STREAM_CAP = 100
    sample.say(subject, *range(500))
    relay = made_relay()
    while relay.relay(stream="tests"):
        pass

    with running(consuming):
        until(lambda: len(sample.effects()) >= 500, seconds=60)

    assert redis_client.xlen(stream_key()) < 400
    assert sample.effects() == list(range(500))
