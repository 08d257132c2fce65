"""One world of the model: what the database and the outside hold, the network between them, the dice."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from booking.orchestrator.decide import Decision, decide
from booking.orchestrator.shape import Direction, SagaState, Shape
from outbound.call import Idempotency
from tests.model import plans
from tests.model.outside import Partner, Processor
from tests.model.rows import CALL, GRACE, Instance, Reservation, Row

A, B, C, D = Idempotency
OK: Final = "ok"
PROCESSOR: Final = frozenset({"authorise", "capture", "refund"})
"""Steps whose other side saves a technical error under its key."""
WORDS: Final[dict[str, tuple[str, ...]]] = {
    "hold": (OK, "no", "error"),
    "quote": (OK, "error"),
    "confirm": (OK, "error"),
    "authorise": (OK, "no", "lost", "unanswered", "late", "unsent", "saved", "wait"),
    "book": (OK, "no", "lost", "unanswered", "late", "unsent"),
    "capture": (OK, "no", "lost", "unanswered", "late", "unsent", "saved"),
    "cancel": (OK, "no", "lost", "unanswered", "late"),
    "void": (OK, "lost", "unanswered", "late"),
    "annul": (OK, "lost", "unanswered", "late"),
    "refund": (OK, "no", "lost", "unanswered", "late", "saved"),
    "probe": (OK, "lost"),
}
"""What may become of a call: no; lost (no effect, no answer); unanswered (effect, no answer); late (no
answer, and the effect lands later); unsent (surely never left); saved (an error that its key keeps)."""


class Dice(Protocol):
    """Where choices come from: exhaustively, or at random."""

    def pick(self, sides: int) -> int:
        """Return a number below `sides`; 0 is the quiet choice."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One configuration: who the partners are, and how much may go wrong."""

    partners: tuple[Idempotency, ...] = (A, A)
    crashes: int = 0
    faults: int = 0
    cancels: int = 0
    attempts: int = 4
    deadline: int = 300
    quiet: int = 12
    """For so long after its caller gave up, a request may still take effect."""
    wait: bool = False
    """Whether the card may ask for 3-D Secure."""
    stubborn: bool = False
    """Whether partners may refuse to cancel."""
    where: frozenset[str] = frozenset(WORDS)
    """Which operations the faults are for."""
    delays: int = 0
    """How often the sweeper is late."""
    sleeps: int = 0
    """How many workers fall asleep at a door and wake up at any later one."""
    asleep_at_the_send: bool = False
    """Whether a worker may sleep between looking at its lease and sending: no clock can prevent that."""


@dataclass
class Late:
    """A request on its way, of whom nobody waits for an answer any more."""

    lands_by: int
    effect: Callable[[], str]


@dataclass
class World:
    """Everything that there is."""

    setting: Setting
    dice: Dice
    broken: frozenset[str] = frozenset()
    """Names of the seeded bugs that are switched on (`mutants.py`)."""
    decide: Callable[..., Decision] = decide
    clock: int = 0
    healed: bool = False
    """Nothing goes wrong any more."""
    faults_left: int = 0
    crashes_left: int = 0
    sleeps_left: int = 0
    delays_left: int = 0
    sleepers: list[Iterator[None]] = field(default_factory=list)
    """Workers that fell asleep."""
    sagas: list[Instance] = field(default_factory=list)
    reservation: Reservation = field(default_factory=Reservation)
    partners: dict[str, Partner] = field(default_factory=dict)
    processor: Processor = field(default_factory=Processor)
    order_keys: dict[str, str] = field(default_factory=dict)
    net: list[Late] = field(default_factory=list)
    outbox: list[str] = field(default_factory=list)
    answers: list[tuple[str, int]] = field(default_factory=list)
    """What the customer was told about cancelling, and of which saga (-1: none)."""
    trace: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the partners, and the budgets of what may go wrong."""
        self.partners = {f"leg{n}": Partner(c) for n, c in enumerate(self.setting.partners, 1)}
        self.faults_left, self.crashes_left = self.setting.faults, self.setting.crashes
        self.sleeps_left, self.delays_left = self.setting.sleeps, self.setting.delays

    def note(self, text: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"t={self.clock:<3} {text}")

    def word(self, operation: str) -> str:
        """Choose what becomes of a call."""
        words = WORDS.get(operation, (OK,))
        if self.healed or not self.faults_left or operation not in self.setting.where:
            return OK
        if operation == "authorise" and not self.setting.wait:
            words = words[:-1]
        if operation == "cancel" and not self.setting.stubborn:
            words = tuple(word for word in words if word != "no")
        word = words[self.dice.pick(len(words))]
        if word != OK:
            self.faults_left -= 1
        return word

    def start(self, shape: Shape) -> Instance:
        """Create a saga with one row for each call."""
        saga = Instance(
            number=len(self.sagas),
            shape=shape,
            deadline_at=self.clock + self.setting.deadline,
            due_at=self.clock + GRACE,
        )
        for step in shape.steps:
            items = self.partners if step.name in {"book", "cancel"} else ("",)
            saga.rows += [self.row(saga, step.name, item) for item in items]
        self.sagas.append(saga)
        self.note(f"saga {saga.number} {shape.name} starts")
        return saga

    def row(
        self, saga: Instance, step: str, item: str, direction: Direction = Direction.FORWARD
    ) -> Row:
        """Make a call's row."""
        partner = self.partners.get(item)
        key = self.key(saga, step, item, direction, 1)
        idempotency = partner.idempotency if partner else A
        return Row(step, item, direction, key, idempotency, self.setting.quiet)

    def key(self, saga: Instance, step: str, item: str, direction: Direction, attempt: int) -> str:
        """Return the idempotency key of one attempt."""
        return f"{saga.number}:{direction}:{step}:{item}:{attempt}"

    @property
    def live(self) -> Instance | None:
        """Return the saga that is not over."""
        return next((saga for saga in self.sagas if not saga.over), None)

    def land(self, *, by: int | None = None) -> None:
        """Let late requests take effect: the first one, or all that land by a time at the latest."""
        ready = self.net[:1] if by is None else [late for late in self.net if late.lands_by <= by]
        for late in ready:
            self.net.remove(late)
            self.note(f"a late request lands: {late.effect()}")

    def sleep_until(self, at: int) -> None:
        """Let time pass."""
        self.land(by=at)
        self.clock = max(self.clock, at)

    def delay(self, effect: Callable[[], str]) -> None:
        """Send a request on its way; its caller gives up within the time of a call."""
        self.net.append(Late(self.clock + CALL + self.setting.quiet - 1, effect))

    def violated(self, what: str) -> None:
        """Remember that something happened which never may."""
        if what not in self.violations:
            self.violations.append(what)
            self.note(f"VIOLATION {what}")

    def committed(self, saga: Instance) -> None:
        """Check what the database's constraints and the outside's ledgers say after a transaction."""
        resting = saga.over or saga.parked
        if resting is (saga.due_at is not None):
            self.violated("stuck: neither due nor parked, or both")
        if self.processor.captures > 1:
            self.violated("double charge")
        if any(partner.most > 1 for partner in self.partners.values()):
            self.violated("double booking")
        if sum(not saga.over for saga in self.sagas) > 1:
            self.violated("two sagas of one subject")


def confirm(world: World) -> Instance | None:
    """Confirm, as `booking.confirmation.confirm_reservation` does: one transaction."""
    live = world.live
    if live is not None and "two_sagas" not in world.broken:
        return live
    if world.reservation.status not in {"draft", "failed"} and "two_sagas" not in world.broken:
        return None
    world.reservation = Reservation("confirming")
    if world.processor.state == "cancelled":
        world.processor = Processor()  # new payment details: another payment object
    return world.start(plans.confirming(world.setting.attempts))


def cancel(world: World) -> None:
    """Cancel, as `booking.confirmation.cancel_reservation` does; remember what the customer was told."""
    live = world.live
    if live is None:
        answer = _cancel_at_rest(world)
    elif live.cancels:
        answer = "accepted"
    else:
        answer = _turn_back(world, live)
    world.note(f"the customer cancels: {answer}")
    world.answers.append((answer, live.number if live else -1))


def _cancel_at_rest(world: World) -> str:
    if world.reservation.status == "draft":
        world.reservation.status = "cancelled"
        world.outbox.append("cancelled")
        return "accepted"
    if world.reservation.status != "confirmed":
        return "not cancellable"
    world.reservation.status = "cancelling"
    world.start(plans.cancelling(world.setting.attempts))
    return "accepted"


def _turn_back(world: World, saga: Instance) -> str:
    open_to_it = {SagaState.RUNNING}
    if "cancel_during_capture" in world.broken:
        open_to_it.add(SagaState.PIVOTING)
    if saga.state is SagaState.COMPENSATING:
        return "is turning back"
    if saga.state not in open_to_it:
        return "accepted" if "lying_answer" in world.broken else "too late"
    saga.cancel_requested = True
    saga.attention = None
    saga.due_at = world.clock
    world.committed(saga)
    return "accepted"


def booked_everywhere(world: World) -> bool:
    """Whether every leg stands exactly once."""
    return all(partner.standing == 1 for partner in world.partners.values())
