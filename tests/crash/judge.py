"""The ten invariants, judged on our rows and on the sandbox's own ledger of what really happened.

The numbers are those of docs/testing.md. All are about a system at rest, but I1, I4 and I7 also about
the way there: the ledger keeps when a leg was booked and when it was cancelled.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from booking.orchestrator.models import SagaInstance, SagaStep
from booking.orchestrator.plan import REGISTRY
from booking.orchestrator.shape import Direction
from eventbus.models import OutboxEntry
from payments.models import Payment
from payments.services import PaymentStatus
from providers.models import BOOKED, Order
from reservation.models import Reservation
from tests.crash import heard, ledger
from tests.crash.stories import Story
from tests.crash.traveller import Trip

SETTLED: Final = {"done", "accepted"}
FACTS: Final = ("reservation.confirmed.v1", "reservation.failed.v1", "reservation.cancelled.v1")


@dataclass
class Verdict:
    """How the reservation ended, which calls its flows made, and every invariant that does not hold."""

    status: str = ""
    calls: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass
class Scene:
    """Everything there is to judge by."""

    story: Story
    trip: Trip
    reservation: Reservation
    sagas: list[SagaInstance]
    calls: list[SagaStep]
    outside: ledger.Ledger
    life: Any

    @property
    def parked(self) -> bool:
        """Whether a person must still act."""
        return any(saga.attention_reason for saga in self.sagas)

    @property
    def price(self) -> Decimal:
        """What the trip costs, in major units."""
        return Decimal(self.reservation.amount)


def violations(story: Story, trip: Trip, life: Any) -> Verdict:
    """Judge one story at rest."""
    if trip.reservation_id is None:
        return Verdict(broken=[f"I9 nothing was composed, though asked for: {trip.answers}"])
    sagas = SagaInstance.objects.filter(subject_id=trip.reservation_id).order_by("created_at")
    scene = Scene(
        story=story,
        trip=trip,
        reservation=Reservation.objects.get(pk=trip.reservation_id),
        sagas=list(sagas),
        calls=list(SagaStep.objects.filter(saga__in=sagas).order_by("id")),
        outside=ledger.read(trip.reservation_id),
        life=life,
    )
    found = [f"{name} {text}" for name, rule in RULES.items() for text in rule(scene)]
    names = {saga.id: saga.name for saga in scene.sagas}
    made = {f"{names[call.saga_id]} {call.step} {call.direction}" for call in scene.calls}
    return Verdict(scene.reservation.status, sorted(made), found)


def calls_of_the_flows() -> set[str]:
    """Return every call that the tables of the flows can make, as `<saga> <step> <direction>`."""
    return {
        f"{name} {step.name} {direction}"
        for name, saga in REGISTRY.items()
        for step in saga.steps.values()
        for direction, operation in [
            (Direction.FORWARD, step.operation),
            (Direction.COMPENSATE, step.compensate),
            (Direction.ANNUL, getattr(step, "annulled_by", None)),
        ]
        if operation is not None
    }


def _money_for_legs(scene: Scene) -> Iterator[str]:
    """I1: money was taken only when every leg was booked, and is kept only if the trip is confirmed.

    Where the processor takes what it has released, only the second half is ours to keep.
    """
    legs = scene.reservation.items.count()
    for capture in scene.outside.captures if not scene.story.audited else ():
        standing = [order for order in scene.outside.orders if order.stood_at(capture["at"])]
        if len(standing) != legs:
            yield f"captured while {len(standing)} of {legs} legs were booked"
    facts = OutboxEntry.objects.filter(key=str(scene.reservation.id), type=FACTS[0])
    taken = scene.outside.captures and not scene.story.audited
    if taken and not scene.parked and not facts.exists():
        yield "money was taken for a trip that was never confirmed"
    kept = scene.outside.kept()
    if (scene.reservation.status == "confirmed") != (kept > 0) and not scene.parked:
        yield f"the reservation is {scene.reservation.status}, and {kept} is kept"


def _taken_once(scene: Scene) -> Iterator[str]:
    """I2: at most one capture, of the price; what is kept is the price or nothing."""
    if len(scene.outside.captures) > 1:
        yield f"{len(scene.outside.captures)} captures"
    if scene.outside.kept() not in {Decimal(0), scene.price}:
        yield f"{scene.outside.kept()} of {scene.price} is kept"
    authorised = [one for one in scene.outside.intents if one["status"] == "requires_capture"]
    if authorised and not scene.parked:
        yield "an authorisation is left on the card"


def _no_orphans(scene: Scene) -> Iterator[str]:
    """I3: a booking stands only for a confirmed trip, and a confirmed trip has all of them."""
    standing = [order for order in scene.outside.orders if order.stands]
    legs = {str(item.id) for item in scene.reservation.items.all()}
    booked = {order.item for order in standing}
    if scene.parked:
        return
    if scene.reservation.status == "confirmed" and booked != legs:
        yield f"confirmed with {len(booked)} of {len(legs)} legs booked"
    if scene.reservation.status != "confirmed" and standing:
        yield f"{scene.reservation.status}, and {len(standing)} bookings stand"


def _never_twice(scene: Scene) -> Iterator[str]:
    """I4: no leg is ever booked twice at the same time."""
    for item, orders in scene.outside.by_item().items():
        for earlier, later in pairwise(orders):
            if earlier.cancelled_at is None or earlier.cancelled_at > later.booked_at:
                yield f"leg {item} was booked twice"


def _at_rest(scene: Scene) -> Iterator[str]:
    """I5: every flow is over, or waits for a person with a reason; where it can end it does."""
    for saga in scene.sagas:
        if saga.finished_at is None and not saga.attention_reason:
            yield f"{saga.name} is {saga.state} without an end or a reason"
    if scene.parked and not scene.story.parks:
        reasons = [saga.attention_reason for saga in scene.sagas if saga.attention_reason]
        yield f"parked though the world is repaired: {reasons}"
    if scene.story.parks and not scene.parked and scene.reservation.status == "cancelling":
        yield "nobody was told"


def _says_what_is(scene: Scene) -> Iterator[str]:
    """I6: the flow's state follows from its calls, and our rows equal the ledgers outside."""
    yield from _follows_from_calls(scene)
    if scene.parked:
        return
    ours = {
        (str(order.item_id), order.partner_reference)
        for order in Order.objects.filter(reservation_id=scene.reservation.id, status=BOOKED)
    }
    theirs = {(order.item, order.id) for order in scene.outside.orders if order.stands}
    if ours != theirs:
        yield f"orders: we have {ours}, the partners {theirs}"
    for payment in Payment.objects.filter(reservation_id=scene.reservation.id, superseded_at=None):
        kept = payment.captured_amount - payment.refunded_amount
        if kept != scene.outside.kept(payment.gateway_payment_id):
            yield f"we say that {kept} is kept"
        state = scene.outside.state(payment.gateway_payment_id)
        over = payment.status in {PaymentStatus.VOIDED, PaymentStatus.DECLINED}
        voided = payment.status == PaymentStatus.VOIDED
        if (state == "canceled" and not over) or (voided and state != "canceled"):
            yield f"our payment is {payment.status}, the processor's {state}"


def _follows_from_calls(scene: Scene) -> Iterator[str]:
    for saga in scene.sagas:
        calls = [call for call in scene.calls if call.saga_id == saga.id]
        forward = [call for call in calls if call.direction == Direction.FORWARD]
        if saga.state == "completed" and any(call.state not in SETTLED for call in forward):
            yield f"{saga.name} is completed with {_open(forward)}"
        last = saga.history.last()
        if saga.finished_at and (last is None or last.kind != saga.state):
            yield f"{saga.name} was over, and yet {last and last.kind} was written"
        if saga.state in {"failed", "cancelled"}:
            yield from _taken_back(saga, calls, forward)


def _taken_back(
    saga: SagaInstance, calls: list[SagaStep], forward: list[SagaStep]
) -> Iterator[str]:
    steps = REGISTRY[saga.name].steps
    back = {
        (call.step, call.item)
        for call in calls
        if call.direction == Direction.COMPENSATE and call.state in SETTLED
    }
    for call in forward:
        effect = call.ambiguous or call.state not in {"pending", "refused"}
        if effect and steps[call.step].compensate and (call.step, call.item) not in back:
            yield f"{saga.name} is {saga.state}, and {call.step} {call.item} is not taken back"


def _open(calls: list[SagaStep]) -> list[str]:
    return [f"{call.step} {call.item} {call.state}" for call in calls if call.state not in SETTLED]


def _told_once(scene: Scene) -> Iterator[str]:
    """I7: each flow ends in exactly one event."""
    told = Counter(
        OutboxEntry.objects.filter(key=str(scene.reservation.id), type__in=FACTS).values_list(
            "type", flat=True
        )
    )
    ended: Counter[str] = Counter()
    for saga in scene.sagas:
        if saga.finished_at and (fact := ENDINGS.get((saga.name, saga.state))):
            ended[fact] += 1
    if not scene.sagas and scene.reservation.status == "cancelled":
        ended["reservation.cancelled.v1"] += 1
    if told != ended and not scene.parked:
        yield f"told {dict(told)}, ended {dict(ended)}"


ENDINGS: Final = {
    ("confirm-reservation", "completed"): "reservation.confirmed.v1",
    ("confirm-reservation", "failed"): "reservation.failed.v1",
    ("confirm-reservation", "cancelled"): "reservation.cancelled.v1",
    ("cancel-reservation", "completed"): "reservation.cancelled.v1",
}


def _heard_once(scene: Scene) -> Iterator[str]:
    """I8: every event was handled exactly once by each listener, and CRM says what the log says.

    Of a story that is not about the bus this is judged later, for many cases at once (hearing.py).
    """
    if scene.story.bus:
        yield from heard.holes()
        yield from heard.differences(scene.reservation.id)
        yield from heard.letters(scene.reservation.id)


def _kept_its_word(scene: Scene) -> Iterator[str]:
    """I9: what was accepted is there, and the same request is answered the same."""
    for number, (status, _) in scene.trip.answers.items():
        ask = scene.story.asks[number]
        if ask.what == "confirm" and status < 300 and not scene.sagas:
            yield "a confirmation was accepted and forgotten"
    yield from scene.life.traveller.ask_again()


def _nothing_held(scene: Scene) -> Iterator[str]:
    """I10: no call is in anybody's hands, and no payment is used by a flow that is over."""
    for call in scene.calls:
        if call.state == "claimed" and not scene.parked:
            yield f"{call.step} {call.item} is still claimed"
    if not scene.parked and scene.reservation.status in {"failed", "cancelled", "confirmed"}:
        in_use = Payment.objects.filter(
            reservation_id=scene.reservation.id,
            superseded_at=None,
            status__in=["authorising", "waiting", "authorised"],
        )
        if in_use.exists():
            yield "the payment is still in use"


RULES: Final[dict[str, Callable[[Scene], Iterator[str]]]] = {
    "I1": _money_for_legs,
    "I2": _taken_once,
    "I3": _no_orphans,
    "I4": _never_twice,
    "I5": _at_rest,
    "I6": _says_what_is,
    "I7": _told_once,
    "I8": _heard_once,
    "I9": _kept_its_word,
    "I10": _nothing_held,
}
