"""Rung 6: a sweeper. A message is only a hint; whoever is due is found in the table."""

import time

from examples.ladder.table import advance, confirm, connected

__all__ = ["confirm", "sweep"]

LIVE = "SELECT id FROM ladder_saga WHERE state NOT IN ('completed', 'failed')"
DUE = f"{LIVE} AND touched_at < now() - make_interval(secs => %s)"


def sweep(*, seconds: float, grace: float = 1.0) -> None:
    """Look for trips that nobody has touched for a while, and send their message again."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        with connected() as db:
            for (saga_id,) in db.execute(DUE, [grace]).fetchall():
                db.execute("UPDATE ladder_saga SET touched_at = now() WHERE id = %s", [saga_id])
                advance.delay(saga_id)
        time.sleep(0.2)
