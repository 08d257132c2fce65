"""What a confirmed trip asks of PostgreSQL, link by link: every statement noted, every commit counted."""

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.db import connection

from booking.orchestrator import engine
from tests.bench import postgres, trips

LINKS: Final = ("reservation", "provider", "payment")
OWN_COMMITS: Final = 2
"""What reading the counter itself adds to it."""


class Recorder:
    """Counts statements by what they do, and the time spent in them, at one connection."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.kinds: Counter[str] = Counter()
        self.seconds = 0.0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Note a statement and run it."""
        self.kinds[kind_of(sql)] += 1
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - started


def kind_of(sql: str) -> str:
    """Return verb and table of a statement: `SELECT saga FOR UPDATE`."""
    verb = sql.split(maxsplit=1)[0].upper()
    if verb in {"SAVEPOINT", "RELEASE"}:
        return "savepoints"
    table = re.search(r'(?:FROM|INTO|UPDATE) "?(\w+)"?', sql)
    locking = " FOR UPDATE" if "FOR UPDATE" in sql else ""
    return f"{verb} {table.group(1) if table else '-'}{locking}"


def a_trip(*, count: int) -> dict[str, Any]:
    """Run trips here, one link after another as the workers do; return figures for one trip by part.

    A part is `confirm` (the request), then each link: statements by kind, commits, milliseconds in all
    and in the database.
    """
    prepared = trips.Prepared(count=count + 5)
    _run(prepared, 5)  # imports, prepared statements, caches
    parts = _run(prepared, count)
    return {name: part.of_one(count) for name, part in parts.items()}


class Part:
    """What one part of the flow took, summed over the trips."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.recorder = Recorder()
        self.seconds = 0.0
        self.commits = 0

    def run(self, work: Callable[[], Any]) -> Any:
        """Do the work and add what it took."""
        before = postgres.commits()
        started = time.perf_counter()
        with connection.execute_wrapper(self.recorder):
            answer = work()
        self.seconds += time.perf_counter() - started
        self.commits += postgres.commits() - before - OWN_COMMITS
        return answer

    def of_one(self, count: int) -> dict[str, Any]:
        """Return the figures of one trip."""
        return {
            "statements": {kind: n / count for kind, n in self.recorder.kinds.most_common()},
            "commits": self.commits / count,
            "ms": 1000 * self.seconds / count,
            "ms_in_statements": 1000 * self.recorder.seconds / count,
        }


def _run(prepared: trips.Prepared, count: int) -> dict[str, Part]:
    parts = {name: Part() for name in ("confirm", *LINKS)}
    for _ in range(count):
        [saga_id] = parts["confirm"].run(lambda: prepared.confirm(count=1))
        for link in LINKS:
            parts[link].run(lambda: _advance(saga_id, link))  # noqa: B023 - run before the next turn
    return parts


def _advance(saga_id: UUID, link: str) -> None:
    engine.advance(saga_id, link=link)
