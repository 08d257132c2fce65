"""What must be true when nothing moves any more: the list of the project's scenarios."""

from booking.orchestrator.shape import Direction, SagaState, StepState
from tests.model.rows import Instance
from tests.model.world import World, booked_everywhere

_OVER = {StepState.DONE, StepState.ACCEPTED}


def check(world: World) -> list[str]:
    """Let every late request land, then compare rows, ledgers, events and what the customer was told."""
    world.land(by=10**9)
    for saga in world.sagas:
        _ended(world, saga)
    _money_and_legs(world)
    _events(world)
    _answers(world)
    return world.violations


def _ended(world: World, saga: Instance) -> None:
    if not saga.over:
        world.violated(f"not over: {saga.attention or saga.state}")
        return
    turned = saga.state is not SagaState.COMPLETED
    way = Direction.COMPENSATE if turned else Direction.FORWARD
    if any(row.state not in _OVER for row in saga.rows if row.direction is way):
        world.violated("over with open calls")
    if turned and saga is world.sagas[-1] and not saga.cancels:
        held = any(row.step == "hold" and row.state is StepState.DONE for row in saga.rows)
        if held and not world.reservation.released:
            world.violated("the hold is left")


def _money_and_legs(world: World) -> None:
    processor, confirmed = world.processor, world.reservation.status == "confirmed"
    captured = processor.state == "captured" and not processor.refunds and not processor.undone
    standing = [partner.standing for partner in world.partners.values()]
    if captured and not booked_everywhere(world):
        world.violated("captured without all legs")
    if confirmed is not captured:
        world.violated("the reservation and the money differ")
    if any(standing) and not confirmed:
        world.violated("orphan booking")
    if any(partner.most > 1 for partner in world.partners.values()):
        world.violated("double booking")
    if processor.captures > 1:
        world.violated("double charge")
    if processor.undone:
        world.violated("money was taken only to be given back")
    if not confirmed and processor.state in {"authorised", "waiting"}:
        world.violated("the authorisation is left")
    if len(processor.refunds) > 1:
        world.violated("double refund")


def _events(world: World) -> None:
    """Exactly one final event for each saga that ended something, in order."""
    expected = []
    for saga in world.sagas:
        if saga.state is SagaState.COMPLETED:
            expected.append("cancelled" if saga.cancels else "confirmed")
        elif saga.over and not saga.cancels:
            expected.append(saga.state.value)
    if world.outbox != expected:
        world.violated(f"events {world.outbox}, expected {expected}")


def _answers(world: World) -> None:
    for answer, number in world.answers:
        if number < 0:
            continue
        saga = world.sagas[number]
        if answer == "accepted" and not saga.cancels and saga.state is SagaState.COMPLETED:
            world.violated("told cancelled, but it was booked")
        if answer == "too late" and saga.state is SagaState.CANCELLED:
            world.violated("told too late, but it was cancelled")
