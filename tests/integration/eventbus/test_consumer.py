"""The consumer: effects, inbox and cursor in one transaction; what Redis lacks is read from the log."""

import signal
from unittest import mock

import pytest
from django.db import DatabaseError, connection

from eventbus import context, delivery, inbox, loop, numbering, subscribe
from eventbus.models import Cursor, InboxEntry, OutboxEntry, Stream
from tests.integration.eventbus import sample
from tests.integration.eventbus.conftest import (
    consuming,
    made_consumer,
    relaying,
    running,
    stream_key,
)
from tests.patience import until


def position() -> int:
    return Cursor.objects.get(group="sample").position


def test_an_event_travels_from_publisher_to_handler(bus, subject):
    with running(relaying, consuming):
        sample.say(subject, 1, 2, 3)
        until(lambda: len(sample.effects()) == 3)

    assert sample.effects() == [1, 2, 3]
    assert position() == 3
    assert list(InboxEntry.objects.values_list("status", flat=True)) == ["done"] * 3


def test_what_redis_offers_is_what_is_handled(relay, consumer, subject):
    sample.say(subject, 1, 2)
    relay.relay(stream="tests")

    with mock.patch("eventbus.log.read", side_effect=AssertionError("the log was read")):
        consumer.step()

    assert sample.effects() == [1, 2]


def test_a_hole_in_redis_is_filled_from_the_log(relay, consumer, redis_client, subject):
    sample.say(subject, 1, 2, 3, 4)
    relay.relay(stream="tests")
    redis_client.xdel(stream_key(), "2-0", "3-0")

    while position() < 4:
        consumer.step()

    assert sample.effects() == [1, 2, 3, 4]


def test_entries_trimmed_before_they_were_read_come_from_the_log(
    relay, consumer, redis_client, subject
):
    sample.say(subject, 1, 2, 3)
    relay.relay(stream="tests")
    redis_client.xtrim(stream_key(), maxlen=1)

    while position() < 3:
        consumer.step()

    assert sample.effects() == [1, 2, 3]


def test_garbage_in_the_stream_is_replaced_by_the_log(relay, consumer, redis_client, subject):
    sample.say(subject, 1)
    relay.relay(stream="tests")
    redis_client.delete(stream_key())
    redis_client.xadd(stream_key(), {"sequence": "1", "id": "not an id"}, id="1-0")

    consumer.step()

    assert sample.effects() == [1]


def test_an_event_that_only_redis_knows_is_not_believed(relay, consumer, redis_client, subject):
    sample.say(subject, 1, 2)
    relay.relay(stream="tests")
    OutboxEntry.objects.filter(position=2).delete()
    Stream.objects.update(head=1, published=1)

    consumer.step()
    consumer.step()

    assert sample.effects() == [1]


def test_an_emptied_redis_loses_and_doubles_nothing(bus, redis_client, subject):
    with running(relaying, consuming):
        for number in range(60):
            sample.say(subject, number)
            if number % 15 == 7:
                redis_client.flushdb()
        until(lambda: len(sample.effects()) >= 60)

    assert sample.effects() == list(range(60))


def test_delivery_goes_on_while_redis_is_down(bus, settings, subject):
    settings.EVENTBUS_REDIS_URL = "redis://127.0.0.1:1/0"

    with running(relaying, consuming):
        sample.say(subject, 1, 2)
        until(lambda: len(sample.effects()) == 2)

    assert sample.effects() == [1, 2]


def test_effects_and_cursor_are_committed_together_or_not_at_all(relay, consumer, subject):
    sample.say(subject, 1, 2)
    relay.relay(stream="tests")

    with (
        mock.patch.object(inbox, "write", side_effect=DatabaseError),
        pytest.raises(DatabaseError),
    ):
        consumer.step()

    assert (sample.effects(), position()) == ([], 0)
    consumer.step()
    assert (sample.effects(), position()) == ([1, 2], 2)


def test_two_consumers_do_every_effect_once_and_in_order(bus, subject):
    with running(relaying, consuming, consuming):
        sample.say(subject, *range(200))
        until(lambda: len(sample.effects()) >= 200)

    assert sample.effects() == list(range(200))


def test_another_consumer_takes_over(relay, bus, subject):
    first, second = made_consumer(), made_consumer()
    sample.say(subject, 1)
    relay.relay(stream="tests")
    first.step()
    sample.say(subject, 2)
    relay.relay(stream="tests")

    second.step()

    assert sample.effects() == [1, 2]


def test_a_standby_leaves_a_held_place_alone(relay, consumer, subject, separate_transaction):
    sample.say(subject, 1)
    relay.relay(stream="tests")

    with separate_transaction("SELECT 1 FROM eventbus_cursor FOR UPDATE"):
        consumer.step()

    assert sample.effects() == []


def test_a_paused_group_stands_still_and_goes_on_later(relay, consumer, subject):
    Cursor.objects.update(paused=True)
    sample.say(subject, 1)
    relay.relay(stream="tests")

    consumer.step()
    paused = sample.effects()
    Cursor.objects.update(paused=False)
    consumer.step()

    assert (paused, sample.effects()) == ([], [1])


@pytest.fixture
def newcomer():
    """A group that is declared after events were published."""
    made = []

    def declare(start: subscribe.Start) -> subscribe.Group:
        group = subscribe.Group(f"newcomer-{start}", streams=["tests"], start=start)
        group.on(sample.Noted)(sample.note)
        made.append(group.name)
        return group

    yield declare
    for name in made:
        del subscribe.GROUPS[name]


def test_a_late_joiner_gets_the_whole_history_once(relay, newcomer, redis_client, subject):
    sample.say(subject, *range(5))
    relay.relay(stream="tests")
    redis_client.xtrim(stream_key(), maxlen=2)
    late = made_consumer(newcomer("beginning"))
    sample.say(subject, 5)
    relay.relay(stream="tests")

    while Cursor.objects.get(group="newcomer-beginning").position < 6:
        late.step()

    assert sample.effects() == list(range(6))


def test_a_joiner_that_starts_now_hears_only_what_follows(relay, newcomer, subject):
    sample.say(subject, 1, 2)
    relay.relay(stream="tests")
    late = made_consumer(newcomer("now"))
    sample.say(subject, 3)
    relay.relay(stream="tests")

    late.step()

    assert sample.effects() == [3]


def test_a_pruned_log_stops_the_group_instead_of_skipping(bus, subject):
    sample.say(subject, 1, 2)
    numbering.ensure_stream(stream="tests")
    numbering.number(stream="tests")
    OutboxEntry.objects.filter(position=1).delete()
    delivery.ensure_cursor(group=sample.listener, stream="tests")

    with pytest.raises(delivery.LogPruned):
        delivery.deliver(group=sample.listener, stream="tests", offer=delivery.Offer(epoch=""))


def test_the_circumstances_travel_to_the_events_that_a_handler_publishes(relay, consumer, subject):
    sample.reacting.add(1)
    with context.correlated(correlation_id="req-7", actor="ada"):
        (cause,) = sample.say(subject, 1)
    relay.relay(stream="tests")

    consumer.step()

    first, second = OutboxEntry.objects.order_by("id")
    assert second.type == "tests.reacted.v1"
    assert (second.causation_id, second.correlation_id, second.actor) == (cause, "req-7", "ada")
    assert second.traceparent.split("-")[1] == first.traceparent.split("-")[1]
    assert second.traceparent.split("-")[2] != first.traceparent.split("-")[2]


def test_a_consumer_survives_the_loss_of_its_database_connections(bus, subject):
    with running(relaying, consuming):
        sample.say(subject, 1)
        until(lambda: sample.effects() == [1])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        sample.say(subject, 2)
        until(lambda: len(sample.effects()) == 2)

    assert sample.effects() == [1, 2]
    assert not InboxEntry.objects.filter(attempts__gt=1).exists()


def test_a_request_to_stop_ends_the_batch_after_the_event_in_hand(relay, bus, subject):
    sample.say(subject, *range(10))
    relay.relay(stream="tests")
    stop = loop.Stop()
    stop._request(signal.SIGTERM, None)
    delivery.ensure_cursor(group=sample.listener, stream="tests")

    delivery.deliver(
        group=sample.listener,
        stream="tests",
        offer=delivery.Offer(epoch=""),
        stopping=lambda: stop.requested,
    )

    assert (sample.effects(), position()) == ([0], 1)
