"""Rung 5: a table. What is wanted and what was done are rows, so that it can be taken back."""

import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import psycopg

from examples.ladder import outside
from examples.ladder.app import app
from examples.ladder.outside import Refused, Trip
from examples.ladder.retries import AGAIN

TABLES = """
    CREATE TABLE IF NOT EXISTS ladder_saga (
        id text PRIMARY KEY, trip jsonb NOT NULL, state text NOT NULL DEFAULT 'running',
        touched_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE IF NOT EXISTS ladder_step (
        saga text NOT NULL, name text NOT NULL, state text NOT NULL, PRIMARY KEY (saga, name))
"""


def connected() -> psycopg.Connection:
    """Return a connection to the database in which every statement is a transaction."""
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def confirm(trip: Trip) -> None:
    """Write down what is wanted, then send a message that says: look at this one."""
    with connected() as db:
        insert = "INSERT INTO ladder_saga (id, trip) VALUES (%s, %s)"
        db.execute(insert, [trip["id"], json.dumps(trip)])
    advance.delay(trip["id"])


@app.task(name="table.advance", **AGAIN)
def advance(saga_id: str) -> None:
    """Do what is left to do; when one says no, take back what was done."""
    with connected() as db:
        row = db.execute("SELECT trip, state FROM ladder_saga WHERE id = %s", [saga_id]).fetchone()
        if row is None or row[1] in {"completed", "failed"}:
            return
        trip, state = row
        if state == "running":
            state = _forward(db, trip)
        if state == "compensating":
            _back(db, trip)


def _forward(db: psycopg.Connection, trip: Trip) -> str:
    """Book all legs, each in a thread, then pay; return the state that this leads to."""
    legs = {f"leg {n}": partial(outside.book, trip, n, key=_key(trip, n)) for n in _legs(trip)}
    pay = {"payment": partial(outside.pay, trip, key=trip["id"])}
    for steps in (legs, pay):
        if _refused(db, trip, steps):
            return _become(db, trip, "compensating")
    return _become(db, trip, "completed")


def _refused(db: psycopg.Connection, trip: Trip, steps: Mapping[str, Callable[[], None]]) -> bool:
    """Do the steps that are not done yet, and note each; whatever is no answer is tried again."""
    todo = {name: do for name, do in steps.items() if _state(db, trip, name) != "done"}
    for name in todo:
        _note(db, trip, name, "sent")  # before it is sent: an unanswered call may have an effect
    with ThreadPoolExecutor() as pool:
        asked = {name: pool.submit(do) for name, do in todo.items()}
    errors = {name: future.exception() for name, future in asked.items()}
    for name, error in errors.items():
        if error is None or isinstance(error, Refused):
            _note(db, trip, name, "refused" if error else "done")
    for error in errors.values():
        if isinstance(error, httpx.HTTPError):
            raise error
    return any(isinstance(error, Refused) for error in errors.values())


def _back(db: psycopg.Connection, trip: Trip) -> None:
    """Cancel every leg that was asked for, the last one first."""
    for number in reversed(_legs(trip)):
        if _state(db, trip, f"leg {number}") in {"done", "sent"}:
            outside.cancel(trip, number, key=_key(trip, number))
            _note(db, trip, f"leg {number}", "compensated")
    _become(db, trip, "failed")


def _legs(trip: Trip) -> range:
    return range(len(trip["legs"]))


def _key(trip: Trip, number: int) -> str:
    return f"{trip['id']}:{number}"


def _state(db: psycopg.Connection, trip: Trip, name: str) -> str:
    query = "SELECT state FROM ladder_step WHERE saga = %s AND name = %s"
    row = db.execute(query, [trip["id"], name]).fetchone()
    return row[0] if row else ""


def _note(db: psycopg.Connection, trip: Trip, name: str, state: str) -> None:
    note = """INSERT INTO ladder_step VALUES (%s, %s, %s)
        ON CONFLICT (saga, name) DO UPDATE SET state = excluded.state"""
    db.execute(note, [trip["id"], name, state])


def _become(db: psycopg.Connection, trip: Trip, state: str) -> str:
    move = "UPDATE ladder_saga SET state = %s, touched_at = now() WHERE id = %s"
    db.execute(move, [state, trip["id"]])
    return state
