"""Workers that stop at a claim: what happens to the calls from there on is the test's."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from booking.orchestrator import calls, engine


@dataclass(frozen=True)
class Claimed:
    """Calls that a worker has leased and not made yet."""

    claims: Sequence[calls.Claim]


def turn(saga_id: UUID) -> Claimed | engine.Progress:
    """Let a worker go on until it has claimed calls, or has nothing more to do."""
    worker = engine.Worker(saga_id)
    while not (found := worker.turn()):
        pass
    return found if isinstance(found, engine.Progress) else Claimed(found)


def record(saga_id: UUID, claim: calls.Claim, outcome: calls.Outcome) -> None:
    """Let a worker that made a call record what came of it."""
    engine.Worker(saga_id).record(claim, outcome)
