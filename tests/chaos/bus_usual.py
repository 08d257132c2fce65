"""The usual recipe, for comparison only: ids by Redis, a consumer group, an inbox by event id, XAUTOCLAIM."""

import os
import random
import time
import uuid
from typing import Any
from uuid import UUID

import psycopg
import redis

from tests.chaos import bus_world as world

NAME = "the usual recipe"
OUTBOX = "usual_outbox"
KEY, GROUP = "usual", "listener"
IDLE_MILLISECONDS = 2000
TABLES = """
    CREATE TABLE IF NOT EXISTS usual_outbox (
        id bigserial PRIMARY KEY, event_id uuid NOT NULL, key uuid NOT NULL, number int NOT NULL,
        sent_at timestamptz);
    CREATE INDEX IF NOT EXISTS usual_outbox_unsent ON usual_outbox (id) WHERE sent_at IS NULL;
    CREATE TABLE IF NOT EXISTS usual_inbox (event_id uuid PRIMARY KEY);
    TRUNCATE usual_outbox, usual_inbox RESTART IDENTITY;
"""
UNSENT = """
    SELECT id, event_id, key, number FROM usual_outbox
    WHERE sent_at IS NULL ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED
"""
Fields = dict[str, str]


def prepare() -> None:
    """Begin with an empty outbox."""
    with world.connect() as db:
        db.execute(TABLES)


def redis_key() -> str:
    return KEY


def whereabouts() -> dict[str, object]:
    """Return nothing: nobody looks into what the recipe is known to lose."""
    return {}


def write(seed: int, count: int, per_second: float) -> None:
    """Publish as the other bus's writers do."""
    with world.connect() as db:

        def one(key: UUID, dice: random.Random) -> None:
            while not _published(db, key, dice):
                pass

        world.write(seed=seed, count=count, per_second=per_second, one=one)


def relay() -> None:
    """Send what is unsent, then mark it as sent."""
    client = _client()
    with world.connect() as db:
        while True:
            try:
                sent = _send(db, client)
            except redis.RedisError:
                sent = 0
            time.sleep(0 if sent else 0.05)


def consume() -> None:
    """Read new entries, and those that a dead consumer left behind."""
    client, name = _client(), uuid.uuid4().hex
    looked_at = 0.0
    with world.connect() as db:
        while True:
            try:
                if time.monotonic() - looked_at > 1:
                    _claim(db, client, name)
                    looked_at = time.monotonic()
                reply: Any = client.xreadgroup(GROUP, name, {KEY: ">"}, count=50, block=500)
                for _, entries in reply or []:
                    _apply(db, client, entries)
            except redis.ResponseError as error:
                if "NOGROUP" in str(error) or "no such key" in str(error):
                    _make_group(client)
            except redis.RedisError:
                time.sleep(0.1)


def _client() -> redis.Redis:
    client = redis.Redis.from_url(
        os.environ["EVENTBUS_REDIS_URL"], protocol=2, decode_responses=True, socket_timeout=3
    )
    _make_group(client)
    return client


def _make_group(client: redis.Redis) -> None:
    try:
        client.xgroup_create(KEY, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def _published(db: psycopg.Connection[Any], key: UUID, dice: random.Random) -> bool:
    with db.transaction(force_rollback=dice.random() < 0.03) as transaction:
        (number,) = db.execute(world.NEXT_NUMBER, [key]).fetchone() or (0,)
        db.execute(
            "INSERT INTO usual_outbox (event_id, key, number) VALUES (%s, %s, %s)",
            [uuid.uuid4(), key, number],
        )
        world.dawdle(dice)
    return not transaction.force_rollback


def _send(db: psycopg.Connection[Any], client: redis.Redis) -> int:
    with db.transaction():
        rows = db.execute(UNSENT).fetchall()
        for _, event_id, key, number in rows:
            client.xadd(KEY, {"id": str(event_id), "key": str(key), "number": number})
        db.execute(
            "UPDATE usual_outbox SET sent_at = now() WHERE id = ANY(%s)", [[r[0] for r in rows]]
        )
    return len(rows)


def _claim(db: psycopg.Connection[Any], client: redis.Redis, name: str) -> None:
    start = "0-0"
    while True:
        reply: Any = client.xautoclaim(KEY, GROUP, name, IDLE_MILLISECONDS, start, count=100)
        _apply(db, client, reply[1])
        start = reply[0]
        if start == "0-0":
            return


def _apply(
    db: psycopg.Connection[Any], client: redis.Redis, entries: list[tuple[str, Fields | None]]
) -> None:
    for entry_id, fields in entries:
        if fields:
            _apply_once(db, fields)
        client.xack(KEY, GROUP, entry_id)


def _apply_once(db: psycopg.Connection[Any], fields: Fields) -> None:
    with db.transaction():
        first = db.execute(
            "INSERT INTO usual_inbox VALUES (%s) ON CONFLICT DO NOTHING RETURNING 1",
            [fields["id"]],
        ).fetchone()
        if first:
            db.execute(world.EFFECT, [fields["id"], fields["key"], int(fields["number"])])
