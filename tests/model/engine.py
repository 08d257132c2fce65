"""`engine.advance` as a generator: every `yield` is a place where a worker can die or fall asleep.

What stands between two yields is one transaction, or one request to the outside. The engine reads without
a lock and is told at the write that it was overtaken; it then reads again, so a transaction that counts
is as good as one that nobody interrupts: which is what it is here.
"""

from collections.abc import Iterator

from booking.orchestrator.decide import Annul, Close, Enter, GiveUp, Nothing, Run
from booking.orchestrator.shape import Direction, SagaState, StepState
from tests.model import calls, moves, plans
from tests.model.calls import Claim, Outcome
from tests.model.recording import record
from tests.model.rows import BACKOFF, CALL, Instance, Row
from tests.model.world import World

Worker = Iterator[None]
Turn = list[Claim] | Row | None
"""Calls to be made now; or the local step that failed; or nothing to do."""


def advance(
    world: World, saga: Instance, *, link: str | None = None, direction: Direction | None = None
) -> Worker:
    """Take a saga as far as it goes now, within `link` or (None) through all of them."""
    came = saga.direction
    if direction is not None and direction is not came:
        return
    while True:
        yield
        turn = _turn(world, saga, link, came)
        if turn is None:
            return
        if isinstance(turn, Row):
            yield from _local_trouble(world, saga, turn)
        else:
            yield from _calls(world, turn)


def _calls(world: World, claims: list[Claim]) -> Worker:
    """Make all calls side by side, then record them one by one in any order."""
    outcomes: list[tuple[Claim, Outcome]] = []
    for claim in claims:
        yield
        in_time = calls.in_time(world, claim)
        if world.setting.asleep_at_the_send:
            yield
        outcomes.append((claim, calls.make(world, claim) if in_time else Outcome.UNSENT))
    if any(outcome is Outcome.FAILED for _, outcome in outcomes):
        world.sleep_until(world.clock + CALL)
    while outcomes:
        yield
        first = world.dice.pick(len(outcomes)) if len(outcomes) > 1 else 0
        claim, outcome = outcomes.pop(first)
        record(world, claim, outcome)


def _turn(world: World, saga: Instance, link: str | None, came: Direction) -> Turn:
    """Decide and apply, in one transaction at most."""
    decision = moves.next_of(world, saga)
    match decision:
        case Run():
            return _run(world, saga, decision, link, came)
        case Enter(SagaState.PIVOTING):
            return _pivot(world, saga, decision, link, came)
        case Enter() | Annul() | GiveUp():
            moves.go_on(world, saga, decision)
            moves.save(world, saga)
            return []
        case Close(state):
            moves.close(world, saga, state)
            moves.save(world, saga)
        case Nothing():
            pass
        case _:
            moves.save(world, saga)
    return None


def _pivot(
    world: World, saga: Instance, decision: Enter, link: str | None, came: Direction
) -> Turn:
    """Enter the pivot in the transaction that claims it, or not at all."""
    before, due_at = saga.state, saga.due_at
    moves.go_on(world, saga, decision)
    turn = _turn(world, saga, link, came)
    if turn is None and saga.due_at == due_at and not saga.over:
        saga.state = before
    return turn


def _run(world: World, saga: Instance, decision: Run, link: str | None, came: Direction) -> Turn:
    if link is not None and (saga.direction is not came or decision.link != link):
        return None
    rows: list[Row] = list(decision.rows)  # type: ignore[arg-type]
    if rows[0].step in plans.LOCAL:
        return _local(world, saga, rows[0])
    claims = [calls.claim(world, saga, row) for row in rows]
    world.note(f"claims {', '.join(map(repr, rows))}")
    moves.save(world, saga)
    return claims


def _local(world: World, saga: Instance, row: Row) -> Turn:
    """A local step: effect and record are this transaction, or trouble is recorded in the next."""
    word = world.word(row.step if row.direction is Direction.FORWARD else "release")
    if word == "error":
        return row
    row.tries, row.due_at = row.tries + 1, None
    if word == "no":
        row.state, row.reason = StepState.REFUSED, "refused"
    else:
        row.state = StepState.DONE
        _effect(world, row)
    world.note(f"local: {row}")
    moves.save(world, saga)
    return []


def _effect(world: World, row: Row) -> None:
    reservation = world.reservation
    if row.step == "hold":
        released = row.direction is Direction.COMPENSATE
        reservation.released = released
        reservation.status = reservation.status if released else "held"
    elif row.step != "quote":
        reservation.status = "confirmed" if row.step == "confirm" else "cancelled"
        world.outbox.append(reservation.status)


def _local_trouble(world: World, saga: Instance, row: Row) -> Worker:
    before = row.epoch, row.state
    yield
    if (row.epoch, row.state) == before:
        row.tries += 1
        row.due_at = world.clock + BACKOFF
        moves.save(world, saga)
