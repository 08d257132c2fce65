"""The moves of a saga, and what every transaction ends with, as in `booking.orchestrator.moves`."""

from booking.orchestrator.decide import Annul, Close, Decision, Enter, GiveUp, Nothing, Park, Sleep
from booking.orchestrator.shape import Direction, Rows, SagaState, StepState
from tests.model.rows import GRACE, Instance, Row
from tests.model.world import World


def next_of(world: World, saga: Instance) -> Decision:
    """Return what the saga does next."""
    return world.decide(saga, Rows(tuple(saga.rows)), saga.shape, world.clock)


def save(world: World, saga: Instance) -> None:
    """Write, together with whatever follows without anybody being asked; check what was committed."""
    while _follows(world, saga, next_of(world, saga)):
        pass
    if "not_due_again" in world.broken:
        saga.due_at = None
    world.committed(saga)


def _follows(world: World, saga: Instance, decision: Decision) -> bool:
    match decision:
        case Enter(SagaState.FINISHING) | Annul() | GiveUp():
            go_on(world, saga, decision)
            return True
        case Close(SagaState.COMPLETED as state):
            close(world, saga, state)
        case Sleep(until):
            saga.due_at = until  # type: ignore[assignment]  # the model's times are numbers
        case Park(reason):
            saga.due_at, saga.attention = None, reason
            world.note(f"saga {saga.number} is parked: {reason}")
        case Nothing():
            saga.due_at = None
        case _:
            saga.due_at = world.clock + GRACE
    return False


def go_on(world: World, saga: Instance, decision: Enter | Annul | GiveUp) -> None:
    """Take a decision after which another follows."""
    match decision:
        case Enter(SagaState.COMPENSATING, reason):
            saga.state, saga.reason = SagaState.COMPENSATING, reason
            world.note(f"saga {saga.number} turns back: {reason}")
            _turn_back(world, saga)
        case Enter(state):
            saga.state = state
            world.note(f"saga {saga.number} is {state}")
        case Annul(step):
            saga.rows.append(world.row(saga, step, "", Direction.ANNUL))
        case GiveUp(rows, why):
            for row in rows:
                row.state, row.reason = StepState.PARKED, row.reason or why  # type: ignore[misc]
                row.due_at = row.lease_until = None  # type: ignore[misc]


def _turn_back(world: World, saga: Instance) -> None:
    """Fence silent workers out, and open one row for each call that may have had an effect."""
    for row in saga.rows:
        if row.state is StepState.CLAIMED and "no_fence_out" not in world.broken:
            row.state, row.ambiguous, row.lease_until = StepState.UNKNOWN, True, None
            row.epoch += 1
    forward = [row for row in saga.rows if row.direction is Direction.FORWARD]
    saga.rows += [
        world.row(saga, row.step, row.item, Direction.COMPENSATE)
        for row in forward
        if saga.shape.step(row.step).compensated and _covered(world, saga, row)
    ]


def _covered(world: World, saga: Instance, row: Row) -> bool:
    if "compensates_only_done" in world.broken and row.state is not StepState.DONE:
        return False
    if "skips_the_refused_step" in world.broken:
        siblings = [other for other in saga.rows if other.step == row.step]
        if any(other.state is StepState.REFUSED for other in siblings):
            return False
    covered: bool = row.may_have_had_an_effect()
    return covered


def close(world: World, saga: Instance, state: SagaState) -> None:
    """End a saga together with its reservation: the hook is in the same transaction."""
    saga.state, saga.due_at = state, None
    world.note(f"saga {saga.number} is {state}")
    if state is SagaState.COMPLETED:
        return
    if saga.cancels:
        world.reservation.status = "confirmed"  # `reservation.keep`
    else:
        world.reservation.status = state.value
        world.outbox.append(state.value)
