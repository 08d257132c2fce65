"""The person for whom a parked saga waits: retries, or settles by what the other side's ledger says."""

from booking.orchestrator.shape import SETTLED, Direction, SagaState, StepState
from outbound.call import Idempotency
from tests.model.rows import LEASE, Instance, Row
from tests.model.world import World


def acts(world: World, saga: Instance, *, times: int) -> bool:
    """Let a person act for the n-th time, when the trouble is over; return whether there was anything to do."""
    world.sleep_until(world.clock + LEASE + world.setting.quiet)
    world.healed = True
    settled = [
        row
        for row in saga.rows
        if _only_a_person_can(saga, row) and _settle(world, saga, row, times)
    ]
    for row in saga.rows:
        if not settled:
            _try_again(world, saga, row)
    world.note(f"a person {'settles' if settled else 'retries'} saga {saga.number}")
    saga.attention = None
    saga.due_at = world.clock
    world.committed(saga)
    return times < 4


def _only_a_person_can(saga: Instance, row: Row) -> bool:
    """As `control.resolve` has it."""
    turned = saga.state is SagaState.COMPENSATING
    if saga.state is not SagaState.RUNNING and turned is not (
        row.direction is Direction.COMPENSATE
    ):
        return False
    if row.state in SETTLED:
        given_up = row.state in {StepState.PARKED, StepState.REFUSED}
        return given_up and saga.state is not SagaState.RUNNING
    unanswered = row.ambiguous or row.state in {StepState.CLAIMED, StepState.UNKNOWN}
    return row.never_resend and unanswered


def _settle(world: World, saga: Instance, row: Row, times: int) -> bool:
    """Write what is true by the ledger; cancel by telephone what a partner cannot be asked to cancel."""
    partner = world.partners.get(row.item)
    if partner is None or not (row.never_resend or times > 1):
        return False
    world.land(by=world.clock + 100)
    if saga.state is SagaState.RUNNING:
        row.state = StepState.DONE if partner.standing else StepState.REFUSED
        world.order_keys[row.item] = row.key
    else:
        partner.orders.clear()
        row.state = StepState.DONE
    row.ambiguous = row.ambiguous and row.state is StepState.DONE
    row.epoch, row.due_at, row.lease_until = row.epoch + 1, None, None
    return True


def _try_again(world: World, saga: Instance, row: Row) -> None:
    """As `control.retry` does: open what was given up, with a fresh count of tries."""
    turning = saga.state is SagaState.RUNNING
    final = row.direction is Direction.FORWARD and saga.state is SagaState.COMPENSATING
    given_up = row.state is StepState.PARKED or (
        row.state is StepState.REFUSED and not turning and not final
    )
    if (row.state in SETTLED and not given_up) or row.live(world.clock):
        return
    if row.state is StepState.CLAIMED:
        row.state, row.ambiguous = StepState.UNKNOWN, True
    keeps = row.state is StepState.VERIFYING or row.idempotency is Idempotency.C
    row.due_at = (row.due_at if keeps else None) or world.clock
    row.tries, row.lease_until = 0, None
    if given_up:
        row.state = StepState.PENDING
