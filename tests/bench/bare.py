"""Celery alone, beside which a trip is measured: the same broker, queues and workers, empty links, no database.

`celery -A tests.bench.bare worker -Q <queue> ...` runs the links. No Django: it takes the project's
Celery settings, but for the broker's database, and a result backend, which a chord cannot do without.
"""

import os
import time
import uuid
from functools import cache
from typing import Any, Final

import redis
from celery import Celery, chain, group
from celery.canvas import Signature

from config import settings
from devstack.servers import with_database

BROKER: Final = with_database(os.environ["REDIS_URL"], number=5)
RESULTS: Final = with_database(os.environ["REDIS_URL"], number=6)
SECONDS: Final = 60.0
"""How long one round may take."""

_PROJECT: Final = {
    name.removeprefix("CELERY_").lower(): getattr(settings, name)
    for name in dir(settings)
    if name.startswith("CELERY_")
}
# Importing the project's package names Django's settings: without fixups they are not loaded. It is not
# the current app, which is the one that the sagas' messages go through in the process that measures.
app = Celery("bare", fixups=[], set_as_current=False)
app.conf.update({**_PROJECT, "broker_url": BROKER, "result_backend": RESULTS})


@app.task(name="bare.link")
def link() -> None:
    """Do nothing."""


@app.task(name="bare.leg", ignore_result=False)
def leg() -> None:
    """Do nothing, and say so: the chord counts its results."""


@app.task(name="bare.last")
def last(run: str) -> None:
    """Count one chain as done."""
    _counter().incr(run)


def chains_per_second(*, count: int) -> float:
    """Publish chains of three empty links and return how many a second were done."""
    return _per_second(count, lambda run: _at("reservation") | _at("provider") | _last(run))


def canvases_per_second(*, count: int) -> float:
    """The same with the shape of a trip: the middle link is a group of three empty legs."""
    legs = [leg.si().set(queue="provider") for _ in range(3)]
    return _per_second(count, lambda run: chain(_at("reservation"), group(legs), _last(run)))


def _at(queue: str) -> "Signature[Any]":
    return link.si().set(queue=queue)


def _last(run: str) -> "Signature[Any]":
    return last.si(run).set(queue="payment")


def _per_second(count: int, canvas: Any) -> float:
    run, counter = str(uuid.uuid4()), _counter()
    started = time.perf_counter()
    for _ in range(count):
        canvas(run).apply_async(retry=False)
    while int(counter.get(run) or 0) < count:
        if time.perf_counter() - started > SECONDS:
            raise TimeoutError(f"{counter.get(run)} of {count} within {SECONDS:.0f} s")
        time.sleep(0.01)
    return count / (time.perf_counter() - started)


@cache
def _counter() -> "redis.Redis":
    return redis.Redis.from_url(RESULTS)
