"""Watch the running system through the database alone: what is unfinished, and how soon a killed worker's work goes on."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import psycopg

from tests.chaos import topology

LOOK_SECONDS: Final = 0.2
UNFINISHED: Final[Mapping[str, str]] = {
    "sagas on their way": "SELECT count(*) FROM saga WHERE finished_at IS NULL AND attention_reason IS NULL",
    "calls in the air": "SELECT count(*) FROM saga_step WHERE state = 'claimed'",
    "events without a position": "SELECT count(*) FROM eventbus_outbox WHERE position IS NULL",
    "events that CRM has not dealt with": "SELECT coalesce(sum(s.head - coalesce(c.position, 0)), 0)"
    " FROM eventbus_stream s LEFT JOIN eventbus_cursor c ON c.stream = s.name AND c.group = 'crm'",
    "events to be tried again": "SELECT count(*) FROM eventbus_inbox WHERE status IN ('retry', 'parked')",
}
IN_HAND: Final = """
    SELECT step.id, step.epoch FROM saga_step step JOIN saga ON saga.id = step.saga_id,
        jsonb_array_elements(saga.plan->'steps') AS planned
    WHERE step.state = 'claimed' AND planned->>'name' = step.step
        AND (%(link)s::text IS NULL OR planned->>'link' = %(link)s)
"""
STILL_IN_HAND: Final = "SELECT id, epoch FROM saga_step WHERE id = ANY(%s) AND state = 'claimed'"


def unfinished(database: str) -> dict[str, int]:
    """Return what is not at rest, with how many of it; empty at rest."""
    with psycopg.connect(database, autocommit=True) as db:
        found = {name: _number(db, statement) for name, statement in UNFINISHED.items()}
    return {name: count for name, count in found.items() if count}


def challenges(database: str) -> list[str]:
    """Return the addresses of the banks at which customers are waited for."""
    statement = "SELECT action->>'url' FROM saga_step WHERE state = 'waiting' AND action ? 'url'"
    with psycopg.connect(database, autocommit=True) as db:
        return [row[0] for row in db.execute(statement).fetchall()]


class Watch:
    """From `start` to `stop`, time how long calls that a killed process may have held stay untouched.

    Whose call it was is not written down, so every call claimed at that moment in the process's link
    is timed; those of others end sooner and do not lengthen the longest.
    """

    def __init__(self, database: str) -> None:
        """Take the address of the database."""
        self.resumed: list[float] = []
        self._database = database
        self._waiting: dict[int, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End; what nobody went on with counts as lasting until now."""
        self._stopped.set()
        self._thread.join()
        now = time.monotonic()
        self.resumed += [now - since for _, since in self._waiting.values()]

    def before_kill(self, name: str) -> None:
        """Note the calls that this process may hold; it is killed right afterwards."""
        process = name.partition("-2")[0]
        if process != "sweeper" and process not in topology.LINKS:
            return
        try:
            with psycopg.connect(self._database, autocommit=True, connect_timeout=1) as db:
                found = db.execute(IN_HAND, {"link": topology.LINKS.get(process)}).fetchall()
        except psycopg.Error:
            return
        with self._lock:
            for call, epoch in found:
                self._waiting.setdefault(call, (epoch, time.monotonic()))

    def _look(self) -> None:
        db: psycopg.Connection[Any] | None = None
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                db = db or psycopg.connect(self._database, autocommit=True)
                self._note_resumed(db)
            except psycopg.Error:
                db = None

    def _note_resumed(self, db: psycopg.Connection[Any]) -> None:
        with self._lock:
            watched = dict(self._waiting)
        if not watched:
            return
        held = dict(db.execute(STILL_IN_HAND, [list(watched)]).fetchall())
        now = time.monotonic()
        for call, (epoch, since) in watched.items():
            if held.get(call) != epoch:
                self.resumed.append(now - since)
                with self._lock:
                    del self._waiting[call]


def _number(db: psycopg.Connection[Any], statement: str) -> int:
    row = db.execute(statement).fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0
