"""Dispatching never hangs a request: a broker that is away, or silent, is left alone within seconds."""

import socket
import threading
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from booking import tasks
from booking.orchestrator.models import SagaInstance
from outbound import broker
from tests import toy
from tests.integration.booking.test_engine import start

pytestmark = pytest.mark.django_db(transaction=True)


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
