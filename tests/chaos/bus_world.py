"""What both buses under test share: the writers' table of keys, the table of effects, and the proof."""

import dataclasses
import os
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

import psycopg

KEYS = 12
NAMESPACE = UUID("8f6d0c1e-5b0a-4b52-9d43-6f1f4a5c0e11")
PACE_SECONDS = 0.1
TABLES = """
    CREATE TABLE IF NOT EXISTS chaos_key (key uuid PRIMARY KEY, number int NOT NULL);
    CREATE TABLE IF NOT EXISTS chaos_effect (
        id bigserial PRIMARY KEY, event_id uuid NOT NULL, key uuid NOT NULL, number int NOT NULL);
    CREATE INDEX IF NOT EXISTS chaos_effect_event ON chaos_effect (event_id);
    TRUNCATE chaos_key, chaos_effect RESTART IDENTITY;
"""
EFFECT = "INSERT INTO chaos_effect (event_id, key, number) VALUES (%s, %s, %s)"
NEXT_NUMBER = "UPDATE chaos_key SET number = number + 1 WHERE key = %s RETURNING number"
MISSING = "NOT EXISTS (SELECT FROM chaos_effect e WHERE e.event_id = o.event_id)"
DOUBLED = """
    SELECT coalesce(sum(n - 1), 0) FROM
        (SELECT count(*) AS n FROM chaos_effect GROUP BY event_id HAVING count(*) > 1) AS twice
"""
OUT_OF_ORDER = """
    SELECT count(*) FROM (SELECT number, max(number) OVER (
        PARTITION BY key ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM chaos_effect) AS numbered WHERE number <= before
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of the events; all but the first two must be 0."""

    events: int
    effects: int
    missing: int
    doubled: int
    out_of_order: int


def keys() -> list[UUID]:
    return [uuid5(NAMESPACE, str(number)) for number in range(KEYS)]


def connect() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def prepare() -> None:
    """Make the tables of keys and effects, empty."""
    with connect() as db:
        db.execute(TABLES)
        for key in keys():
            db.execute("INSERT INTO chaos_key VALUES (%s, 0)", [key])


def write(
    *, seed: int, count: int, per_second: float, one: Callable[[UUID, random.Random], None]
) -> None:
    """Let one writer publish `count` events, a few of which are rolled back and tried again."""
    dice, began = random.Random(seed), time.monotonic()
    for done in range(count):
        one(dice.choice(keys()), dice)
        ahead = done / per_second - (time.monotonic() - began)
        if ahead > PACE_SECONDS:
            time.sleep(ahead)


def dawdle(dice: random.Random) -> None:
    """Wait a little before some commits, so that the order of commits is not that of the ids."""
    if dice.random() < 0.2:
        time.sleep(dice.uniform(0.001, 0.02))


def applied(db: psycopg.Connection[Any], *, outbox: str, up_to: int) -> bool:
    """Return whether everything in the outbox up to a row has had its effect."""
    statement = f"SELECT 1 FROM {outbox} o WHERE o.id <= %s AND {MISSING} LIMIT 1"
    return db.execute(statement, [up_to]).fetchone() is None


def last_row(db: psycopg.Connection[Any], *, outbox: str) -> int:
    return _number(db, f"SELECT coalesce(max(id), 0) FROM {outbox}")


def judge(db: psycopg.Connection[Any], *, outbox: str) -> Verdict:
    """Count what is missing, doubled or out of order."""
    return Verdict(
        events=_number(db, f"SELECT count(*) FROM {outbox}"),
        effects=_number(db, "SELECT count(*) FROM chaos_effect"),
        missing=_number(db, f"SELECT count(*) FROM {outbox} o WHERE {MISSING}"),
        doubled=_number(db, DOUBLED),
        out_of_order=_number(db, OUT_OF_ORDER),
    )


def _number(db: psycopg.Connection[Any], statement: str) -> int:
    row = db.execute(statement).fetchone()
    return int(row[0]) if row else 0
