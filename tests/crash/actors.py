"""Who works on the system, each taking one step when the harness says so: one process, a fixed order.

The code is the product's own: API views behind Django's handler, kombu and Celery's request and tracer
on a real Redis, sweeper, relay, consumer. Only what waits or runs for ever is driven from here.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from celery import Celery
from celery.worker.request import Request
from django.conf import settings
from django.db import connection
from kombu import Connection

from booking import tasks
from booking.orchestrator import store
from booking.orchestrator.sweeper import Sweeper
from booking.reconciler import reconciliation
from booking.reconciler.survey import Window, survey
from config import contexts
from config.celery import app as celery_app
from crm import delivery
from eventbus import consumer, loop, relay, subscribe
from providers import ledgers
from tests.crash.doors import DOORS

logger = logging.getLogger("tests.crash")
QUEUES: Final = (*contexts.LINK_QUEUES, contexts.CRM_QUEUE)


class Worker:
    """A Celery worker: takes one message, runs its task, publishes what follows, acknowledges."""

    def __init__(self) -> None:
        options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
        self._app: Celery = celery_app
        self._connection = Connection(settings.CELERY_BROKER_URL, transport_options=options)
        self._channel = self._connection.channel()

    def step(self) -> bool:
        """Take one message, if there is one; return whether there was."""
        with DOORS.acting("worker"):
            for queue in self._filled():
                message = self._channel.basic_get(queue)
                if message is not None:
                    self._run(message)
                    return True
        return False

    def _filled(self) -> list[str]:
        """Return the queues that hold something: to ask each for a message takes far longer."""
        with DOORS.aside():
            asking = self._channel.client.pipeline(transaction=False)
            for queue in QUEUES:
                asking.llen(queue)
            return [queue for queue, size in zip(QUEUES, asking.execute(), strict=True) if size]

    def redeliver(self) -> None:
        """Give back to the queues what was taken and never acknowledged, as after the visibility timeout."""
        with DOORS.aside():
            self._channel.visibility_timeout = 0
            self._channel.qos.restore_visible(num=1000, interval=1)

    def lose_everything(self) -> None:
        """Empty the broker."""
        with DOORS.aside():
            self._channel.client.flushdb()

    def _run(self, message: Any) -> None:
        request = Request(
            message,
            app=self._app,
            on_ack=message.ack_log_error,
            on_reject=message.reject_log_error,
            connection_errors=self._connection.connection_errors,
        )
        request.execute()


class _AtOnce:
    """Stands for the sweeper's pool of threads: what is submitted is run at once, one after the other."""

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args))
        return done


class Sweep:
    """The sweeper, one sweep a step."""

    def __init__(self) -> None:
        self._sweeper = Sweeper(dispatch=tasks.dispatch)
        self._sweeper._pool = _AtOnce()  # type: ignore[assignment]

    def step(self) -> bool:
        """Sweep once; return whether anything was due."""
        with DOORS.acting("sweeper"):
            return surviving(self._sweeper.sweep)


class Reconciler:
    """The reconciler, at one reservation: the sandbox remembers other cases, too."""

    def __init__(self) -> None:
        ledgers.ThreadPoolExecutor = _OneAfterTheOther  # type: ignore[assignment,misc]

    def step(self, reservation_id: UUID, *, since: datetime) -> bool:
        """Compare once, and put right what is safe; return whether the sides could be compared."""
        with DOORS.acting("reconciler"):
            return surviving(lambda: self._compare(reservation_id, since), otherwise=False)

    def _compare(self, reservation_id: UUID, since: datetime) -> bool:
        with DOORS.aside():
            window = Window(since=since, until=store.now() + timedelta(days=1))
            seen = survey(window, now=store.now(), seconds=60)
        report = reconciliation.Report(since=window.since, until=window.until)
        return reconciliation._examine(reservation_id, seen, report, heal=True, seconds=60)


class _OneAfterTheOther(_AtOnce):
    """Stands for a pool whose threads would ask side by side."""

    map = staticmethod(map)

    def __init__(self, max_workers: int) -> None:
        """Take no thread."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Everything is done."""


class Bus:
    """A relay and a consumer of each group, one step of both a step."""

    def __init__(self) -> None:
        consumer.BLOCK_SECONDS = 0.001  # type: ignore[misc]
        consumer.STANDBY_SECONDS = 0.0  # type: ignore[misc]
        self._relay = relay.Relay(stop=loop.Stop())
        groups = [group for group in subscribe.GROUPS.values() if group.name in contexts.CONTEXTS]
        self._consumers = [consumer.Consumer(group=group, stop=loop.Stop()) for group in groups]
        self._ready = False

    def step(self) -> bool:
        """Relay what was published and deliver it; return whether there was anything."""
        done = False
        if not self._ready:
            self._ready = surviving(self._prepare)
        if self._ready:
            with DOORS.acting("relay"):
                before = self._relay.appended
                done = surviving(self._relay_once, else_=self._not_ready)
                done = self._relay.appended > before or done
            with DOORS.acting("consumer"):
                done = surviving(self._consume, else_=self._not_ready) or done
        return done

    def _prepare(self) -> bool:
        with DOORS.acting("relay"):
            self._relay.prepare()
        with DOORS.acting("consumer"):
            for one in self._consumers:
                one.prepare()
        return True

    def _not_ready(self) -> None:
        self._ready = False

    def _relay_once(self) -> bool:
        return [self._relay.relay(stream=stream) for stream in self._relay._streams].count(True) > 0

    def _consume(self) -> bool:
        before = sum(one.delivered for one in self._consumers)
        for one in self._consumers:
            one.step()
        return sum(one.delivered for one in self._consumers) > before


class Mailer:
    """`manage.py send_messages`: sends what the hints did not."""

    def step(self) -> bool:
        """Send everything that is due; return whether there was anything."""
        with DOORS.acting("mailer"):
            return surviving(self._send)

    def _send(self) -> bool:
        due: list[UUID] = delivery.due(limit=100)
        for message_id in due:
            delivery.send(message_id=message_id)
        return bool(due)


def surviving(
    work: Callable[[], Any],
    *,
    else_: Callable[[], None] = lambda: None,
    otherwise: bool = True,
) -> bool:
    """Do a piece of work as the loops of the product do: an error is logged, the connection replaced.

    Returns what came of it, or `otherwise` after an error.
    """
    try:
        return bool(work())
    except Exception as error:  # noqa: BLE001 - as the loops do: whatever it is, they go on
        logger.info("%s: %s: %s", DOORS.actor, type(error).__name__, error)
        with DOORS.aside():
            connection.close()
        else_()
        return otherwise
