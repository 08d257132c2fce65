"""Publishing: bound to the caller's transaction, never slowed down by Redis."""

import socket
import time
import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from eventbus import connections, context, nudge, publish
from eventbus.events import EventInvalid
from eventbus.models import OutboxEntry
from eventbus.streams import StreamUnknown
from tests.integration.eventbus import sample


class ChangedMyMind(Exception):
    """The business transaction is rolled back."""


def publish_and_fail(subject: uuid.UUID) -> None:
    with transaction.atomic():
        publish.publish(sample.Noted(subject_id=subject, number=1))
        raise ChangedMyMind


def write_and_publish(subject: uuid.UUID) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO sample_effect (number) VALUES (1)")
        publish.publish(sample.Noted(subject_id=subject, number=1))


def test_an_event_is_recorded_with_what_caused_it(bus, subject):
    cause = uuid.uuid4()

    with context.correlated(correlation_id="req-1", causation_id=cause, actor="ada"):
        (event_id,) = sample.say(subject, 7)

    entry = OutboxEntry.objects.get()
    assert (entry.event_id, entry.type, entry.key) == (event_id, "tests.noted.v1", str(subject))
    assert entry.data == {"subject_id": str(subject), "number": 7, "author": "nobody"}
    assert (entry.stream, entry.position) == ("tests", None)
    assert (entry.correlation_id, entry.causation_id, entry.actor) == ("req-1", cause, "ada")
    assert context.TRACEPARENT.fullmatch(entry.traceparent)


def test_an_event_without_a_request_is_its_own_correlation(bus, subject):
    (event_id,) = sample.say(subject, 1)

    assert OutboxEntry.objects.get().correlation_id == str(event_id)


def test_a_rollback_leaves_no_row(bus, subject):
    with pytest.raises(ChangedMyMind):
        publish_and_fail(subject)

    assert OutboxEntry.objects.count() == 0


def test_publishing_outside_a_transaction_is_refused(bus, subject):
    with pytest.raises(publish.NotInTransaction):
        publish.publish(sample.Noted(subject_id=subject, number=1))

    assert OutboxEntry.objects.count() == 0


def test_a_failing_outbox_write_aborts_the_business_transaction(bus, subject):
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE eventbus_outbox ADD CONSTRAINT no_room CHECK (key = '') NOT VALID"
        )

    try:
        with pytest.raises(DatabaseError):
            write_and_publish(subject)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE eventbus_outbox DROP CONSTRAINT no_room")

    assert sample.effects() == []


def test_a_wrong_field_type_is_refused(bus, subject):
    with pytest.raises(EventInvalid), transaction.atomic():
        publish.publish(sample.Noted(subject_id=subject, number="seven"))  # type: ignore[arg-type]


def test_an_app_that_no_context_owns_cannot_publish(bus, settings, subject):
    settings.EVENTBUS_OWNERS = {}

    with pytest.raises(StreamUnknown):
        sample.say(subject, 1)


def test_one_transaction_nudges_once(bus, subject, django_capture_on_commit_callbacks):
    with transaction.atomic():
        for number in range(3):
            publish.publish(sample.Noted(subject_id=subject, number=number))
        waiting = [f for _, f, _ in connection.run_on_commit if f is nudge.of(sample.STREAM)]

    assert len(waiting) == 1


def test_the_nudge_survives_the_rollback_of_the_savepoint_it_was_asked_in(bus, subject):
    with transaction.atomic():
        with pytest.raises(ChangedMyMind):
            publish_and_fail(subject)
        publish.publish(sample.Noted(subject_id=subject, number=2))
        waiting = [f for _, f, _ in connection.run_on_commit if f is nudge.of(sample.STREAM)]

    assert len(waiting) == 1


@pytest.fixture
def black_hole(settings):
    """A Redis that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.EVENTBUS_REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        connections.nudging.cache_clear()
        yield
    connections.nudging.cache_clear()
    nudge.reset()


def test_a_redis_that_does_not_answer_costs_a_fraction_of_a_second_once(bus, subject, black_hole):
    started = time.monotonic()
    sample.say(subject, 1)
    first = time.monotonic() - started
    started = time.monotonic()
    sample.say(subject, *range(10))
    rest = time.monotonic() - started

    assert first < 0.6
    assert rest < 0.2
    assert OutboxEntry.objects.count() == 11
