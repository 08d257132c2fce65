"""A bus with one made-up stream, on real PostgreSQL and real Redis."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from eventbus import connections, loop, nudge, numbering, streams
from eventbus.consumer import Consumer
from eventbus.models import Stream
from eventbus.relay import Relay
from tests.integration.eventbus import sample
from tests.integration.eventbus.processes import Processes, environment

EFFECTS = """
    CREATE TABLE IF NOT EXISTS sample_effect (
        id bigserial PRIMARY KEY, subject_id uuid, number int, position bigint, replay boolean)
"""


@pytest.fixture
def bus(transactional_db, settings) -> Iterator[None]:
    """Own stream `tests`, an empty Redis, an empty table of effects, a closed breaker."""
    settings.EVENTBUS_OWNERS = {"tests": sample.STREAM}
    connections.client(timeout=2).flushdb()
    nudge.reset()
    numbering.ensure_stream(stream=sample.STREAM)
    with connection.cursor() as cursor:
        cursor.execute(EFFECTS)
        cursor.execute("TRUNCATE sample_effect RESTART IDENTITY")
    for behaviour in (sample.poison, sample.unreachable, sample.reacting):
        behaviour.clear()
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE sample_effect")


@pytest.fixture
def redis_client(bus):
    return connections.client(timeout=2)


@pytest.fixture
def subject() -> uuid.UUID:
    return uuid.uuid4()


@pytest.fixture
def relay(bus) -> Relay:
    """A relay to be stepped by hand."""
    return made_relay()


@pytest.fixture
def consumer(bus) -> Consumer:
    """A consumer of the sample group to be stepped by hand."""
    return made_consumer()


@pytest.fixture
def processes(bus) -> Iterator[Processes]:
    """Worker processes on the sample events; what still runs at the end is killed."""
    started = Processes(environment())
    yield started
    started.kill()


@pytest.fixture
def separate_transaction():
    """Hold a statement's locks in a connection of its own."""

    @contextmanager
    def hold(statement: str) -> Iterator[None]:
        begun, over = threading.Event(), threading.Event()

        def other() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
                begun.set()
                over.wait(10)
            connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        assert begun.wait(10)
        try:
            yield
        finally:
            over.set()
            thread.join()

    return hold


def made_relay() -> Relay:
    relay = Relay(stop=loop.Stop())
    relay.prepare()
    return relay


def made_consumer(group: Any = sample.listener) -> Consumer:
    consumer = Consumer(group=group, stop=loop.Stop())
    consumer.prepare()
    return consumer


def stream_key() -> str:
    epoch = Stream.objects.get(name=sample.STREAM).epoch
    return streams.redis_key(stream=sample.STREAM, epoch=epoch)


def entry_ids(client) -> list[str]:
    return [entry_id for entry_id, _ in client.xrange(stream_key())]


@contextmanager
def running(*makers: Callable[[loop.Stop], loop.Worker]) -> Iterator[list[threading.Thread]]:
    """Run workers in threads, as the management command runs them in processes."""
    stop = loop.Stop()
    threads = [threading.Thread(target=_run, args=(make, stop)) for make in makers]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        stop.requested = True
        for thread in threads:
            thread.join(timeout=10)
            assert not thread.is_alive()


def _run(make: Callable[[loop.Stop], loop.Worker], stop: loop.Stop) -> None:
    try:
        loop.run(make(stop), stop=stop, kind="test", info=dict)
    finally:
        connection.close()


def relaying(stop: loop.Stop) -> Relay:
    return Relay(stop=stop)


def consuming(stop: loop.Stop) -> Consumer:
    return Consumer(group=sample.listener, stop=stop)
