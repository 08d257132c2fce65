"""A batch is run without savepoints; when a handler fails it is taken back and run again, guarded."""

import uuid

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from eventbus import subscribe, testing
from eventbus.models import InboxEntry
from tests.integration.eventbus import sample


def statements_of_a_delivery() -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        testing.deliver(tolerate_failures=True)
    return [query["sql"] for query in captured]


def savepoints(statements: list[str]) -> int:
    return sum(statement.startswith("SAVEPOINT") for statement in statements)


def statuses(group: str) -> list[str]:
    entries = InboxEntry.objects.filter(group=group).order_by("position")
    return list(entries.values_list("status", flat=True))


def test_a_batch_that_succeeds_needs_no_savepoint(bus, subject):
    sample.say(subject, *range(20))

    statements = statements_of_a_delivery()

    assert savepoints(statements) == 0
    assert sample.effects() == list(range(20))


def test_a_failure_in_the_middle_doubles_nothing_and_touches_only_its_key(bus):
    poisoned, healthy = uuid.uuid4(), uuid.uuid4()
    sample.poison.add(2)
    sample.say(healthy, 1)
    sample.say(poisoned, 2, 3)
    sample.say(healthy, 4)

    statements = statements_of_a_delivery()

    assert savepoints(statements) == 3
    assert sample.effects() == [1, 4]
    assert statuses("sample") == ["done", "retry", "parked", "done"]
    assert InboxEntry.objects.get(status="retry").attempts == 1


@pytest.fixture
def careless():
    """A handler that swallows an error of the database on number 2, outside any savepoint."""
    group = subscribe.Group("careless", streams=["tests"], start="beginning")

    @group.on(sample.Noted, retry=sample.THREE_TIMES)
    def swallow(event: sample.Noted) -> None:
        """Break the transaction and say nothing."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / %s", [2 - event.number])
        except DatabaseError:
            return

    yield
    del subscribe.GROUPS["careless"]


def test_a_transaction_that_a_handler_broke_in_silence_is_noticed(bus, careless, subject):
    sample.say(subject, 1, 3, 2)

    testing.deliver(tolerate_failures=True)

    assert statuses("careless") == ["done", "done", "retry"]
    assert statuses("sample") == ["done", "done", "done"]


def test_what_handlers_published_in_a_batch_that_was_taken_back_is_published_once(bus, subject):
    sample.reacting.add(1)
    sample.poison.add(2)
    sample.say(subject, 1)
    sample.say(uuid.uuid4(), 2)

    with testing.capture() as captured:
        testing.deliver(tolerate_failures=True)

    from_the_log = InboxEntry.objects.filter(type="tests.reacted.v1").count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM eventbus_outbox WHERE type = 'tests.reacted.v1'")
        (published,) = cursor.fetchone()
    assert (published, from_the_log) == (1, 0)
    assert captured.of(sample.Reacted)
