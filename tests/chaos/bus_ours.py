"""The bus under test: its relay, its consumer, writers that publish to it."""

import json
import random
from typing import Final
from uuid import UUID

import django
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

if not apps.ready:
    django.setup()
settings.EVENTBUS_OWNERS = {"tests": "chaos"}

from eventbus import log, loop, numbering, publish, streams  # noqa: E402 - after the setup
from eventbus.consumer import Consumer  # noqa: E402
from eventbus.events import Event, event  # noqa: E402
from eventbus.relay import Relay  # noqa: E402
from eventbus.subscribe import Group, Meta  # noqa: E402
from tests.chaos import bus_world as world  # noqa: E402

NAME = "this bus"
OUTBOX = "eventbus_outbox"
STREAM = "chaos"

chaos = Group("chaos", streams=[STREAM], start="beginning")


WHEREABOUTS: Final = f"""
    SELECT json_build_object(
        'without a number', count(*) FILTER (WHERE o.position IS NULL),
        'beyond the cursor', count(*) FILTER (WHERE o.position > place.position),
        'before the cursor', count(*) FILTER (WHERE o.position <= place.position),
        'in the inbox', json_agg(DISTINCT concat_ws(': ', i.status, right(i.error, 300))) FILTER (WHERE i.id IS NOT NULL),
        'cursor, head, published', concat_ws(', ', min(place.position), min(life.head), min(life.published)))::text
    FROM eventbus_outbox AS o
        LEFT JOIN eventbus_cursor AS place ON place.stream = o.stream
        LEFT JOIN eventbus_stream AS life ON life.name = o.stream
        LEFT JOIN eventbus_inbox AS i ON i.event_id = o.event_id
    WHERE o.stream = %s AND {world.MISSING}
"""


class RolledBack(Exception):
    """The writer changed its mind."""


@event("tests.counted.v1", key="subject_id")
class Counted(Event):
    """A subject was counted once more."""

    subject_id: UUID
    number: int


@chaos.on(Counted)
def note(event: Counted, meta: Meta) -> None:
    """Write the number down."""
    with connection.cursor() as cursor:
        cursor.execute(world.EFFECT, [meta.event_id, event.subject_id, event.number])


def prepare() -> None:
    """Begin with an empty log."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE eventbus_outbox, eventbus_inbox, eventbus_cursor, eventbus_stream")
    numbering.ensure_stream(stream=STREAM)


def redis_key() -> str:
    """Return the stream's key in its present life."""
    return streams.redis_key(stream=STREAM, epoch=log.tip(stream=STREAM).epoch)


def whereabouts() -> dict[str, object]:
    """Return where events are that have had no effect: before or beyond the cursor, and how the inbox holds them."""
    with connection.cursor() as cursor:
        cursor.execute(WHEREABOUTS, [STREAM])
        [found] = cursor.fetchone()
    return dict(json.loads(found))


def write(seed: int, count: int, per_second: float) -> None:
    world.write(seed=seed, count=count, per_second=per_second, one=_publish)


def relay() -> None:
    stop = loop.Stop()
    loop.run(Relay(stop=stop), stop=stop, kind="relay", info=dict)


def consume() -> None:
    stop = loop.Stop()
    loop.run(Consumer(group=chaos, stop=stop), stop=stop, kind="consumer", info=dict)


def _publish(key: UUID, dice: random.Random) -> None:
    while True:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(world.NEXT_NUMBER, [key])
                (number,) = cursor.fetchone()
                publish.publish(Counted(subject_id=key, number=number))
                world.dawdle(dice)
                if dice.random() < 0.03:
                    raise RolledBack
        except RolledBack:
            continue
        return
