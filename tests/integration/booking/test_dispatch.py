"""Dispatching never hangs a request: a broker that is away, or silent, is left alone within seconds."""

import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final

import pytest
import redis
from django.conf import LazySettings, settings

from booking import tasks
from booking.orchestrator.models import SagaInstance
from eventbus import nudge
from outbound import broker
from tests import toy
from tests.integration.booking.test_engine import start

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE: Final = "travel:reservation"


@pytest.fixture
def silent_broker(settings: LazySettings) -> Iterator[None]:
    """A broker that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        broker.forget()
        yield
    broker.forget()


@pytest.fixture
def saga() -> SagaInstance:
    toy.reset()
    return start()


def test_a_chain_of_several_links_is_compiled(saga: SagaInstance) -> None:
    canvas = tasks.compile_chain(saga.pk)

    assert canvas is not None
    assert [link.kwargs["link"] for link in canvas.tasks] == ["reservation", "provider", "payment"]
    assert all(link.kwargs["saga_id"] == str(saga.pk) for link in canvas.tasks)


def test_a_silent_broker_does_not_hang_the_request(
    saga: SagaInstance, silent_broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas, answers = tasks.compile_chain(saga.pk), []
    monkeypatch.setattr(tasks, "compile_chain", lambda saga_id: canvas)
    publishing = threading.Thread(
        target=lambda: answers.append(tasks.dispatch(saga.pk)), daemon=True
    )

    publishing.start()
    publishing.join(timeout=30)

    assert answers == [False]


@pytest.fixture
def background() -> Iterator[None]:
    """Publish from a thread, as a web server does."""
    broker.in_background()
    nudge.in_background()
    yield
    nudge.in_background(False)
    broker.in_background(False)


def test_a_web_server_publishes_what_it_hands_to_its_thread(
    saga: SagaInstance, background: None
) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(QUEUE)

        assert tasks.dispatch(saga.pk)
        broker.in_background(False)  # waits for the thread

        assert client.llen(QUEUE) == 1
        client.delete(QUEUE)


def test_a_web_server_waits_for_no_silent_redis(
    saga: SagaInstance, silent_broker: None, background: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the thread the first dispatch takes a second, and the first nudge 0.2."""
    monkeypatch.setattr(nudge, "publish", lambda stream: time.sleep(0.2))
    began = time.monotonic()

    answers = [tasks.dispatch(saga.pk) for _ in range(3)]
    for _ in range(20):
        nudge.send("booking")

    assert answers == [True, True, True]
    assert time.monotonic() - began < 0.5


def test_what_waits_for_a_silent_broker_is_bounded(
    saga: SagaInstance, silent_broker: None, background: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "_places", threading.BoundedSemaphore(2))

    answers = [tasks.dispatch(saga.pk) for _ in range(3)]

    assert answers == [True, True, False]


def test_wake_ups_wanted_at_once_are_one(background: None, monkeypatch: pytest.MonkeyPatch) -> None:
    published: queue.SimpleQueue[str] = queue.SimpleQueue()
    go_on = threading.Event()
    monkeypatch.setattr(nudge, "publish", lambda stream: (published.put(stream), go_on.wait(5)))

    nudge.send("booking")
    first = published.get(timeout=5)  # the thread is on its way to Redis
    for _ in range(25):
        nudge.send("booking")
        nudge.send("crm")
    go_on.set()
    others = {published.get(timeout=5), published.get(timeout=5)}

    assert (first, others) == ("booking", {"booking", "crm"})
    with pytest.raises(queue.Empty):
        published.get(timeout=0.2)
