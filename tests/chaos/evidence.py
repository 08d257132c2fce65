"""Keep what a violation needs to be understood: the data are thrown away with the stack."""

import json
import re
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from devstack import judge
from devstack.stack import Stack
from tests.chaos import report
from tests.chaos.run import Run

MOST: Final = 20
ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OURS: Final = {
    "sagas": "SELECT * FROM saga WHERE subject_id = %s ORDER BY created_at",
    "calls": "SELECT c.* FROM saga_step c JOIN saga s ON s.id = c.saga_id WHERE s.subject_id = %s ORDER BY c.id",
    "history": "SELECT e.* FROM saga_event e JOIN saga s ON s.id = e.saga_id WHERE s.subject_id = %s ORDER BY e.id",
    "orders": "SELECT * FROM providers_order WHERE reservation_id = %s",
    "payments": "SELECT * FROM payments_payment WHERE reservation_id = %s",
    "log": "SELECT position, type, occurred_at, data FROM eventbus_outbox WHERE key = %s::text ORDER BY id",
    "answers": "SELECT route, key, status, body, created_at, finished_at FROM booking_idempotencyrecord"
    " WHERE route LIKE '%%' || %s::text || '%%'",
}


def keep(run: Run, stack: Stack) -> Path | None:
    """Write down the report and the history of every reservation that a violation names; return where."""
    found = {
        name: list(dict.fromkeys(ID.findall(" ".join(broken))))[:MOST]
        for name, broken in run.violations.items()
        if broken
    }
    if not found:
        return None
    path = stack.directory / f"violations-{run.options.seed}.json"
    subjects = {subject for ids in found.values() for subject in ids}
    kept = {
        "report": report.as_json(run),
        "named": found,
        "histories": {subject: _history(stack, subject) for subject in sorted(subjects)},
    }
    path.write_text(json.dumps(kept, indent=1, default=str))
    return path


def _history(stack: Stack, subject: str) -> dict[str, Any]:
    with psycopg.connect(stack.urls["postgres"], row_factory=dict_row) as db:
        ours = {name: db.execute(sql, [subject]).fetchall() for name, sql in OURS.items()}
    return {**ours, "theirs": judge.ledger_of(stack.urls["sandbox"], subject)}
