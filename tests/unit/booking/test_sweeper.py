"""The sweeper stops when told: what it runs is finished, what it only queued is left to the next one."""

import threading
import time
from collections.abc import Callable
from uuid import UUID

import pytest

from booking.orchestrator import engine, store, sweeper

DUE = [UUID(int=number) for number in range(20)]


class Engine:
    """Runs a saga until it is let go."""

    def __init__(self) -> None:
        self.begun: list[UUID] = []
        self.ended: list[UUID] = []
        self.busy = threading.Barrier(sweeper.THREADS + 1)
        self.let_go = threading.Event()

    def advance(self, saga_id: UUID) -> None:
        self.begun.append(saga_id)
        if len(self.begun) <= sweeper.THREADS:
            self.busy.wait(10)
        self.let_go.wait(10)
        self.ended.append(saga_id)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Engine:
    running, batches = Engine(), [[(saga_id, 0) for saga_id in DUE]]
    monkeypatch.setattr(engine, "advance", running.advance)
    monkeypatch.setattr(store, "due_sagas", lambda **_: batches.pop() if batches else [])
    return running


def begun(dispatch: Callable[[UUID], bool]) -> tuple[sweeper.Sweeper, threading.Thread]:
    one = sweeper.Sweeper(dispatch=dispatch)
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    return one, thread


def test_what_is_only_queued_when_it_is_told_to_stop_is_not_begun(running: Engine) -> None:
    one, thread = begun(lambda saga_id: False)
    running.busy.wait(10)

    one.stop()
    patience = time.monotonic() + 3
    while one._pool._work_queue.qsize() > 1 and time.monotonic() < patience:
        time.sleep(0.01)
    waited = thread.is_alive()
    running.let_go.set()
    thread.join(10)

    assert (waited, thread.is_alive()) == (True, False)
    assert len(running.begun) == len(running.ended) == sweeper.THREADS


def test_nothing_more_of_a_batch_is_dispatched_when_it_is_told_to_stop(running: Engine) -> None:
    sent: list[UUID] = []

    def dispatch(saga_id: UUID) -> bool:
        sent.append(saga_id)
        one.stop()
        return True

    one = sweeper.Sweeper(dispatch=dispatch)

    one.run()

    assert sent == DUE[:1]
