"""Where the time goes in Python: cProfile around the engine and around CRM's consumer."""

import cProfile
import pstats
from collections import Counter
from typing import Any, Final

from django.db import connection, transaction

from booking.orchestrator import engine
from crm.handlers import crm
from devstack.binaries import PROJECT
from eventbus import loop, streams
from eventbus.consumer import Consumer
from eventbus.publish import publish
from eventbus.relay import Relay
from tests.bench import bus, trips
from tests.bench.statements import LINKS, Recorder

OWN: Final = 2
WITH_CALLEES: Final = 3
"""Columns of pstats."""
AREAS: Final = (
    "psycopg",
    "django/db",
    "django",
    "msgspec",
    "booking",
    "reservation",
    "providers",
    "payments",
    "eventbus",
    "outbound",
    "redis",
)


def engine_profile(*, count: int) -> dict[str, Any]:
    """Profile the engine: what `_found` returns, for one trip."""
    prepared = trips.Prepared(count=count + 3)
    _advance(prepared, 3)
    sagas = prepared.confirm(count=count)
    profile = cProfile.Profile()
    profile.enable()
    for saga_id in sagas:
        for link in LINKS:
            engine.advance(saga_id, link=link)
    profile.disable()
    return _found(profile, count)


def consumer_profile(*, count: int) -> dict[str, Any]:
    """Profile CRM's consumer on the events of so many trips: what `_found` returns, and statements, for one event."""
    relay, consumer = Relay(stop=loop.Stop()), Consumer(group=crm, stop=loop.Stop())
    relay.prepare()
    consumer.prepare()
    _publish(relay, trips_published=3)
    _hear(consumer)
    events = _publish(relay, trips_published=count)
    recorder, profile = Recorder(), cProfile.Profile()
    with connection.execute_wrapper(recorder):
        profile.enable()
        _hear(consumer)
        profile.disable()
    statements = {kind: n / events for kind, n in recorder.kinds.most_common()}
    return {**_found(profile, events), "statements": statements}


def _publish(relay: Relay, *, trips_published: int) -> int:
    """Publish the events of some trips and append them to Redis; return how many there were."""
    events = [event for _ in range(trips_published) for event in bus.story()]
    with transaction.atomic():
        for event in events:
            publish(event)
    for stream in streams.stream_names():
        while relay.relay(stream=stream):
            pass
    return len(events)


def _hear(consumer: Consumer) -> None:
    while not bus.is_caught_up():
        consumer.step()


def _found(profile: cProfile.Profile, count: int) -> dict[str, Any]:
    """Return milliseconds by area (time in its own functions), and the heaviest functions."""
    rows: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return {
        "areas": _areas(rows, count),
        "own": _heaviest(rows, count, column=OWN),
        "with_callees": _heaviest(rows, count, column=WITH_CALLEES),
    }


def _advance(prepared: trips.Prepared, count: int) -> None:
    for saga_id in prepared.confirm(count=count):
        engine.advance(saga_id)


def _areas(rows: dict[Any, Any], count: int) -> dict[str, float]:
    """Return area -> ms a trip, the greatest first."""
    areas: Counter[str] = Counter()
    for (path, _, name), row in rows.items():
        areas[_area(path, name)] += row[2]
    return {area: round(1000 * seconds / count, 2) for area, seconds in areas.most_common(12)}


def _area(path: str, name: str) -> str:
    if path.endswith("psycopg/connection.py") and name == "wait":
        return "waiting for PostgreSQL"
    if path == "~":
        return "built-in functions"
    package = path.partition("site-packages/")[2] or path.removeprefix(f"{PROJECT}/")
    return next((area for area in AREAS if package.startswith(area)), "other")


def _heaviest(rows: dict[Any, Any], count: int, *, column: int) -> list[str]:
    ranked = sorted(rows.items(), key=lambda item: -item[1][column])[:25]
    return [
        f"{1000 * row[column] / count:7.2f} ms {row[0] / count:7.1f} calls  {_place(where)}"
        for where, row in ranked
    ]


def _place(where: tuple[str, int, str]) -> str:
    path, line, name = where
    return name if path == "~" else f"{'/'.join(path.split('/')[-3:])}:{line} {name}"
