"""Watch the running system through the database alone: what is unfinished, and how soon a killed worker's work goes on."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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


@dataclass
class InHand:
    """A call that was claimed when a process was killed; `able` are the seconds in which somebody could go on."""

    epoch: int
    since: float
    able: float = 0.0


@dataclass(frozen=True)
class Resumed:
    """A call that somebody went on with: after how many seconds, and in how many of them it was possible."""

    seconds: float
    able: float


class Watch:
    """From `start` to `stop`, time how long calls that a killed process may have held stay untouched.

    Whose call it was is not written down, so every call claimed at that moment in the process's link
    is timed; those of others end sooner and do not lengthen the longest. `able()` tells whether there
    is anybody who could go on: the time without a database or a sweeper is told apart.
    """

    def __init__(self, database: str, *, able: Callable[[], bool]) -> None:
        """Take the address of the database."""
        self.resumed: list[Resumed] = []
        self._database = database
        self._able = able
        self._waiting: dict[int, InHand] = {}
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
        self._resume(list(self._waiting))

    def before_kill(self, name: str) -> None:
        """Note the calls that this process may hold; it is killed right afterwards."""
        found = self._in_hand(name)
        with self._lock:
            for call, epoch in found:
                self._waiting.setdefault(call, InHand(epoch, time.monotonic()))

    def has_work(self, name: str) -> bool:
        """Tell whether a call is claimed that this process may hold; true of what makes no calls."""
        return not _makes_calls(name) or bool(self._in_hand(name))

    def _in_hand(self, name: str) -> list[tuple[int, int]]:
        if not _makes_calls(name):
            return []
        try:
            with psycopg.connect(self._database, autocommit=True, connect_timeout=1) as db:
                return db.execute(IN_HAND, {"link": topology.LINKS.get(name)}).fetchall()
        except psycopg.Error:
            return []

    def _look(self) -> None:
        db: psycopg.Connection[Any] | None = None
        before = time.monotonic()
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                db = db or psycopg.connect(self._database, autocommit=True)
                self._note_resumed(db)
                self._pass(time.monotonic() - before if self._able() else 0.0)
            except psycopg.Error:
                db = None
            before = time.monotonic()

    def _note_resumed(self, db: psycopg.Connection[Any]) -> None:
        with self._lock:
            watched = dict(self._waiting)
        if watched:
            held = dict(db.execute(STILL_IN_HAND, [list(watched)]).fetchall())
            self._resume([call for call, seen in watched.items() if held.get(call) != seen.epoch])

    def _resume(self, calls: Iterable[int]) -> None:
        with self._lock:
            for call in calls:
                seen = self._waiting.pop(call)
                self.resumed.append(Resumed(time.monotonic() - seen.since, seen.able))

    def _pass(self, seconds: float) -> None:
        with self._lock:
            for seen in self._waiting.values():
                seen.able += seconds


def _makes_calls(name: str) -> bool:
    return name in topology.LINKS or name.startswith("sweeper")


def _number(db: psycopg.Connection[Any], statement: str) -> int:
    row = db.execute(statement).fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0
