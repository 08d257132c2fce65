"""The state machine: confirm, cancel, pay, deliver, drop, sweep, sleep, wake, die, land, retry, in any order."""

import json
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from booking import commands, tasks
from booking.orchestrator import calls, control, engine
from payments.refusals import PaymentDetailsRefused
from reservation import services as reservation
from tests.property import cast, judge
from tests.property.ordeals import DEATH, ORDEAL, TROUBLE, Ordeal
from tests.property.stage import Died, InlineSweeper, Message, clock, make, new_stage


class Live(NamedTuple):
    """The flow that is not over."""

    pk: uuid.UUID
    parked: bool


@dataclass
class Counts:
    """What was tried, in figures."""

    examples: int = 0
    steps: int = 0
    ends: Counter[str] = field(default_factory=Counter)


COUNTS: Final = Counts()


class Trips(RuleBasedStateMachine):
    """One reservation, and everything that may happen to it."""

    account_id: uuid.UUID

    def __init__(self) -> None:
        """Begin with an empty outside."""
        super().__init__()
        self.stage = new_stage()
        self.asleep: list[tuple[engine.Worker, list[calls.Claim]]] = []
        self.told: list[judge.Told] = []
        self.sweeper = InlineSweeper(dispatch=tasks.dispatch)
        self.webhooks = 0

    @initialize(
        classes=st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
        goes_on=st.sampled_from(["confirm", "confirm", "is confirmed", "waits"]),
    )
    def compose(self, classes: list[str], goes_on: str) -> None:
        """Put a trip together and enter payment details; begin with a draft, a running flow or a confirmed trip."""
        clock.advance(1)
        self.reservation_id = commands.compose_reservation(
            account_id=self.account_id,
            offers=[
                cast.offer(kind, name) for kind, name in zip(cast.KINDS, classes, strict=False)
            ],
            travellers=[{"given_name": "Ada", "family_name": "Traveller"}],
        )
        self._pay()
        if goes_on != "waits":
            self.confirm(False)
        if goes_on == "is confirmed":
            self.work(0, None)

    # --- the traveller

    @rule(again=st.booleans())
    def confirm(self, again: bool) -> None:
        """Confirm, perhaps twice."""
        for _ in range(1 + again):
            with suppress(reservation.NotConfirmable, commands.PaymentDetailsMissing):
                commands.confirm_reservation(**self._whose())

    @rule()
    def cancel(self) -> None:
        """Cancel, and remember what the answer was."""
        before = self._live()
        try:
            commands.cancel_reservation(**self._whose())
        except commands.TooLate:
            self.told.append(judge.Told("too late", before.pk if before else None))
        except reservation.NotCancellable:
            self.told.append(judge.Told("over", None))
        else:
            self.told.append(judge.Told("accepted", before.pk if before else None))

    @rule()
    def pay_again(self) -> None:
        """Enter payment details anew, where that is allowed."""
        self._pay()

    @precondition(lambda self: self._waiting())
    @rule(passes=st.booleans(), tells=st.booleans())
    def act(self, passes: bool, tells: bool) -> None:
        """Pass 3-D Secure, or fail."""
        for processor in self.stage.processors.values():
            if processor.state == "waiting":
                processor.state = "authorised" if passes else "refused"
        if tells:
            commands.wake_saga(reservation_id=self.reservation_id)

    # --- messages

    @precondition(lambda self: self.stage.queue)
    @rule(which=st.integers(0, 9), again=st.booleans(), dies_in=DEATH, ordeal=ORDEAL)
    def deliver(self, which: int, again: bool, dies_in: int, ordeal: Ordeal) -> None:
        """Deliver a message, any of them, and perhaps once more."""
        queue = self.stage.queue
        message = queue[which % len(queue)]
        if not again:
            queue.remove(message)
        self._work(dies_in, ordeal, lambda: self._run_link(message))

    @precondition(lambda self: self.stage.queue)
    @rule(which=st.integers(0, 9))
    def drop(self, which: int) -> None:
        """Lose a message."""
        self.stage.queue.pop(which % len(self.stage.queue))

    @rule(number=st.integers(0, 3), forged=st.booleans())
    def hear_webhook(self, number: int, forged: bool) -> None:
        """Hear from the card processor: new, again, in any order, or forged."""
        intent = next(reversed(self.stage.processors), "")
        body = {"id": f"{self.reservation_id}:{number}", "type": "any", "intent": intent}
        try:
            commands.receive_card_webhook(
                body=json.dumps(body).encode(), signature="forged" if forged else "signed"
            )
        except Exception as refusal:
            if not forged or type(refusal).__name__ != "WebhookForged":
                raise
            return
        assert not forged

    # --- workers

    @rule(dies_in=DEATH, ordeal=ORDEAL)
    def sweep(self, dies_in: int, ordeal: Ordeal) -> None:
        """Let the sweeper look once."""
        self._work(dies_in, ordeal, self.sweeper.sweep)

    @rule(dies_in=DEATH, ordeal=ORDEAL)
    def work(self, dies_in: int, ordeal: Ordeal) -> None:
        """Let somebody look at the flow unasked."""
        if (saga := self._live()) is not None:
            self._work(dies_in, ordeal, lambda: engine.advance(saga.pk))

    @precondition(lambda self: len(self.asleep) < 2)
    @rule()
    def claim_and_sleep(self) -> None:
        """A worker claims calls, and falls asleep before it makes them."""
        if (saga := self._live()) is None:
            return
        worker = engine.Worker(saga.pk)
        while not (turn := worker.turn()):
            pass
        if not isinstance(turn, engine.Progress):
            self.asleep.append((worker, list(turn)))

    @precondition(lambda self: self.asleep)
    @rule(which=st.integers(0, 1), dies_in=DEATH, ordeal=ORDEAL)
    def wake_up(self, which: int, dies_in: int, ordeal: Ordeal) -> None:
        """A sleeper goes on: makes its calls, if its lease still allows, and records."""
        worker, claims = self.asleep.pop(which % len(self.asleep))

        def go_on() -> None:
            for claim, outcome in make(claims):
                worker.record(claim, outcome)

        self._work(dies_in, ordeal, go_on)

    # --- outside

    @rule(trouble=st.sampled_from(TROUBLE), times=st.sampled_from([1, 1, 1, 2, 9]))
    def expect(self, trouble: tuple[str, str], times: int) -> None:
        """Let the next calls of an operation end otherwise than well."""
        operation, word = trouble
        self.stage.words[operation] = [word] * times

    @precondition(lambda self: self.stage.late)
    @rule()
    def land(self) -> None:
        """Let the first late request take effect."""
        _, effect = self.stage.late.pop(0)
        effect()

    @rule(seconds=st.sampled_from([1, 5, 15, 31, 70, 400]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        clock.advance(seconds)

    @rule()
    def operator_retries(self) -> None:
        """Let an operator retry what is parked."""
        saga = self._live()
        if saga is not None and saga.parked:
            control.retry(saga_id=saga.pk, actor="operator", reason="again")

    # --- what must be true

    @invariant()
    def nothing_is_done_twice(self) -> None:
        """At every step: no second capture, order or final event."""
        COUNTS.steps += 1
        if hasattr(self, "reservation_id"):
            judge.at_every_step(self.stage, self.reservation_id)

    def teardown(self) -> None:
        """Heal, come to rest, and compare all books."""
        if not hasattr(self, "reservation_id"):
            return
        try:
            self._heal()
            judge.at_rest(self.stage, self.reservation_id, self.told)
            COUNTS.examples += 1
            COUNTS.ends.update(judge.ends(self.reservation_id))
        finally:
            with connection.cursor() as cursor:
                # A failing example must not be swept by the next one.
                cursor.execute(
                    "UPDATE saga SET due_at = NULL, attention_reason = 'of a failed example'"
                    " WHERE finished_at IS NULL"
                )

    def _heal(self) -> None:
        self.stage.words.clear()
        while self.asleep:
            self.wake_up(0, 0, None)
        for turn in range(150):
            saga = self._live()
            if saga is None:
                break
            if saga.parked:
                clock.advance(120)
                self.operator_retries()
            clock.advance(5 if turn < 40 else 60)
            self.sweeper.sweep()
            while self.stage.queue:
                self._run_link(self.stage.queue.pop(0))
        self.stage.land(by=clock.now + 10**6)

    def _run_link(self, message: Message) -> None:
        """As `tasks.run_link` does."""
        first, *rest = message.links
        progress = engine.advance(message.saga_id, link=first, direction=message.direction)
        if progress is engine.Progress.PASSED and rest:
            self.stage.queue.append(Message(message.saga_id, message.direction, tuple(rest)))
        if progress is engine.Progress.TURNED:
            tasks.dispatch(message.saga_id)

    def _work(self, dies_in: int, ordeal: Ordeal, action: Any) -> None:
        self.stage.dies_in = dies_in
        if ordeal is not None:
            self.expect(ordeal, 1)
        try:
            action()
        except Died:
            assert not connection.in_atomic_block
        finally:
            self.stage.dies_in = 0

    def _pay(self) -> None:
        with suppress(commands.PaymentDetailsClosed, PaymentDetailsRefused):
            commands.enter_payment_details(**self._whose(), method="pm_card_visa")

    def _whose(self) -> dict[str, uuid.UUID]:
        return {"account_id": self.account_id, "reservation_id": self.reservation_id}

    def _live(self) -> Live | None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, attention_reason IS NOT NULL FROM saga"
                " WHERE subject_id = %s AND finished_at IS NULL",
                [self.reservation_id],
            )
            row = cursor.fetchone()
        return Live(*row) if row else None

    def _waiting(self) -> bool:
        return any(p.state == "waiting" for p in self.stage.processors.values())
