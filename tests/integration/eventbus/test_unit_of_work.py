"""A group's unit of work: around a batch, and around each handler when the batch has to be run again."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection

from eventbus import replay, subscribe, testing
from eventbus.models import Cursor, InboxEntry
from tests.integration.eventbus import sample


class Gatherer:
    """Handlers add numbers; the end of the unit writes them, unless it holds one that it cannot write."""

    def __init__(self) -> None:
        self.gathered: list[int] = []
        self.units: list[list[int]] = []
        self.unwritable: set[int] = set()
        self.error: type[Exception] = IntegrityError

    @contextmanager
    def unit_of_work(self) -> Iterator[None]:
        self.gathered = []
        yield
        self.units.append(self.gathered)
        for number in self.gathered:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO sample_effect (number) VALUES (%s)", [number])
            if number in self.unwritable:
                raise self.error(number)


@pytest.fixture
def gatherer(bus) -> Iterator[Gatherer]:
    """A group that gathers, alone on the stream."""
    made = Gatherer()
    listener = subscribe.GROUPS.pop("sample")
    group = subscribe.Group(
        "gathering", streams=["tests"], start="beginning", unit_of_work=made.unit_of_work
    )

    @group.on(sample.Noted, retry=sample.THREE_TIMES)
    def gather(event: sample.Noted) -> None:
        """Gather the number."""
        made.gathered.append(event.number)

    yield made
    del subscribe.GROUPS["gathering"]
    subscribe.GROUPS["sample"] = listener


def statuses() -> list[str]:
    return list(InboxEntry.objects.order_by("position").values_list("status", flat=True))


def test_a_batch_is_written_at_once(gatherer, subject):
    sample.say(subject, 1, 2, 3)

    testing.deliver()

    assert gatherer.units == [[1, 2, 3]]
    assert sample.effects() == [1, 2, 3]
    assert statuses() == ["done"] * 3


def test_what_cannot_be_written_fails_its_own_handler_only(gatherer):
    gatherer.unwritable.add(2)
    poisoned, healthy = uuid.uuid4(), uuid.uuid4()
    sample.say(healthy, 1)
    sample.say(poisoned, 2, 3)
    sample.say(healthy, 4)

    testing.deliver(tolerate_failures=True)

    assert gatherer.units == [[1, 2, 3, 4], [1], [2], [4]]
    assert sample.effects() == [1, 4]
    assert statuses() == ["done", "retry", "parked", "done"]


def test_trouble_of_the_infrastructure_at_the_end_is_not_run_again(gatherer, subject):
    gatherer.unwritable.add(2)
    gatherer.error = OperationalError
    sample.say(subject, 1, 2)

    with pytest.raises(DatabaseError):
        testing.deliver()

    assert gatherer.units == [[1, 2]]
    assert sample.effects() == []
    assert Cursor.objects.get(group="gathering").position == 0


def test_a_retry_is_a_unit_of_its_own(gatherer, subject):
    gatherer.unwritable.add(1)
    sample.say(subject, 1)
    testing.deliver(tolerate_failures=True)
    gatherer.unwritable.clear()
    InboxEntry.objects.update(next_attempt_at="2020-01-01T00:00:00Z")

    testing.deliver()

    assert gatherer.units == [[1], [1], [1]]
    assert sample.effects() == [1]
    assert statuses() == ["done"]


def test_a_replay_writes_a_batch_at_once_and_stops_before_what_it_cannot_write(gatherer, subject):
    sample.say(subject, 1, 2, 3)
    testing.deliver()
    gatherer.units.clear()
    gatherer.unwritable.add(3)

    with pytest.raises(replay.ReplayFailed, match="position 3"):
        replay.replay(group=subscribe.GROUPS["gathering"])

    assert gatherer.units == [[1, 2, 3], [1], [2], [3]]
    assert sample.effects() == [1, 2, 3, 1, 2]


def test_the_time_of_the_write_is_shared_out_among_the_handlers(gatherer, subject):
    sample.say(subject, 1, 2)

    testing.deliver()

    took = list(InboxEntry.objects.values_list("duration_ms", flat=True))
    assert min(took) > 0.1
    assert max(took) < 2 * min(took)
