"""The teeth: seeded bugs, put into the real code of a life that is about to be lived. Each must be caught.

The first twelve are those whose danger an exhaustive model of the algorithm has shown; the others are
of the bus and of liveness. `stories` and `kinds` bound the search: the undisturbed story, then each
fault of these kinds, until something is violated.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.db import connection, transaction

from booking import domain
from booking.orchestrator import calls, control, decide, engine, operations, record, store
from booking.orchestrator.decide import Enter
from booking.orchestrator.shape import Direction, SagaState, StepRow, StepState
from booking.orchestrator.work import Work
from eventbus import consumer, delivery, inbox, outbox, publish
from outbound.call import Refusal


@dataclass(frozen=True)
class Mutant:
    """One seeded bug, and where it is looked for."""

    name: str
    apply: Callable[[], None]
    stories: tuple[str, ...]
    kinds: tuple[str, ...] = ()


def _new_key_on_retry() -> None:
    original = operations.call_value

    def call_value(work: Work, call: StepRow) -> Any:
        return replace(original(work, call), key=f"{call.key}:{call.tries}")

    operations.call_value = call_value


def _silence_is_a_no() -> None:
    original = calls.outcome_of

    def outcome_of(claim: calls.Claim) -> calls.Outcome:
        outcome = original(claim)
        unknown = isinstance(outcome, calls.Failed) and claim.call.step in {"book", "authorise"}
        return calls.Refused(Refusal(str(outcome))) if unknown else outcome

    calls.outcome_of = outcome_of


def _compensates_done_calls_only() -> None:
    StepRow.may_have_had_an_effect = lambda self: self.state is StepState.DONE  # type: ignore[method-assign]


def _no_intent_before_the_call() -> None:
    claim, write = engine.Worker._claim, engine.Worker.record

    def forgetful(self: Any, due: Any) -> Any:
        with transaction.atomic():
            claims = claim(self, due)
            transaction.set_rollback(True)
        self._read_again()
        self.unwritten = [call.id for call in due]
        return claims

    def late(self: Any, one: calls.Claim, outcome: calls.Outcome) -> None:
        due, self.unwritten = getattr(self, "unwritten", ()), ()
        if due:
            claim(self, [self.work.calls[id_] for id_ in due])
        write(self, one, outcome)

    engine.Worker._claim, engine.Worker.record = forgetful, late  # type: ignore[method-assign]


def _cancel_while_capturing() -> None:
    pivoting, request = decide._pivoting, control.request_cancel

    def turning(saga: Any, *rest: Any) -> Any:
        if saga.cancel_requested:
            return Enter(SagaState.COMPENSATING, "cancelled")
        return pivoting(saga, *rest)

    def request_cancel(*, saga_id: Any, actor: str = "") -> None:
        with transaction.atomic():
            work = store.lock(saga_id)
            if work.saga.state is not SagaState.PIVOTING:
                request(saga_id=saga_id, actor=actor)
                return
            work.move(cancel_requested_at=work.now, due_at=work.now, attention_reason=None)
            work.save()

    decide._pivoting, control.request_cancel = turning, request_cancel
    domain.ON_CANCEL = {  # type: ignore[misc]
        **domain.ON_CANCEL,
        domain.Stage.PIVOTING: domain.Effect.TURN_BACK,
    }


def _captures_before_all_legs() -> None:
    decide._unfinished = lambda found: not any(row.state is StepState.DONE for row in found)


def _doubt_is_forgotten() -> None:
    original = Work.settle

    def settle(self: Work, call: StepRow, **fields: Any) -> StepRow:
        if fields.get("state") in {StepState.PENDING, StepState.REFUSED}:
            fields["ambiguous"] = False
        return original(self, call, **fields)

    Work.settle = settle  # type: ignore[method-assign]


def _compensation_gives_up() -> None:
    original = record.failed

    def failed(work: Work, call: StepRow, **details: Any) -> None:
        if call.direction is Direction.COMPENSATE:
            record.done(work, call, None)
        else:
            original(work, call, **details)

    record.failed = failed


def _no_fence() -> None:
    """Write whatever the epoch is; the triggers go, too: while they are there the database refuses it."""
    save = Work.save
    with connection.cursor() as cursor:
        for table in ("saga", "saga_step"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")

    def unfenced(self: Work) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT epoch FROM saga WHERE id = %s", [self.saga.id])
            [epoch] = cursor.fetchone()
        self.saga = replace(self.saga, epoch=epoch)
        save(self)

    Work.save = unfenced  # type: ignore[method-assign]
    record.is_awaited = lambda work, claim: True


def _compensated_at_once() -> None:
    record._needs_verifying = lambda work, call: False


def _sends_without_asking() -> None:
    def phase_of(call: StepRow) -> calls.Phase:
        verify = call.state is StepState.VERIFYING
        return calls.Phase.VERIFY if verify else calls.Phase.SEND

    operations.phase_of = phase_of


def _sends_again_at_once() -> None:
    operations.quiet_until = lambda work, call: work.now - timedelta(seconds=1)


def _tells_after_the_commit() -> None:
    publish.event_published.disconnect(dispatch_uid="eventbus.outbox")

    def later(sender: Any, *, event: Any, **_: Any) -> Any:
        transaction.on_commit(lambda: outbox.record(sender, event=event) and None)
        return store.UUID(int=0)

    publish.event_published.connect(later, weak=False)


def _moves_the_cursor_first() -> None:
    """Let a consumer note that it has dealt with a batch, and then deal with it."""

    def deliver(*, group: Any, stream: str, offer: Any, **_: Any) -> delivery.Progress:
        with transaction.atomic(), connection.cursor() as cursor:
            place = delivery._locked(group.name, stream)
            assert place is not None
            records = delivery._next(place.position, stream, place.tip, offer, delivery.BATCH)
            position = records[-1].position if records else place.position
            cursor.execute(delivery.MOVE, [position, place.id])
        with transaction.atomic(), group.unit_of_work():
            received = [
                one
                for found in records
                for one in inbox.receive(group=group, record=found, blocked=set(), guarded=False)
            ]
            inbox.write(received, seconds=0.0)
        return delivery.Progress(
            position=position,
            epoch=place.tip.epoch,
            busy=False,
            delivered=position - place.position,
        )

    consumer.delivery = type("delivery", (), {**vars(delivery), "deliver": staticmethod(deliver)})  # type: ignore[assignment]


def _nobody_sweeps() -> None:
    store.due_sagas = lambda *, limit, grace_seconds: []


MUTANTS: Final = (
    Mutant("new-key-on-retry", _new_key_on_retry, ("booking-unanswered", "class-b-unanswered")),
    Mutant("silence-is-a-no", _silence_is_a_no, ("booking-unanswered", "authorise-unanswered")),
    Mutant(
        "compensates-done-calls-only", _compensates_done_calls_only, ("unanswered-then-refused",)
    ),
    Mutant(
        "no-intent-before-the-call",
        _no_intent_before_the_call,
        ("cancel-while-booking-last", "hotel-sold-out"),
        ("kill",),
    ),
    Mutant("cancel-while-capturing", _cancel_while_capturing, ("cancel-while-capturing",)),
    Mutant("captures-before-all-legs", _captures_before_all_legs, ("hotel-sold-out",)),
    Mutant("doubt-is-forgotten", _doubt_is_forgotten, ("cancel-before-it-lands",), ("kill",)),
    Mutant("compensation-gives-up", _compensation_gives_up, ("cancel-fails-once",)),
    Mutant("no-fence", _no_fence, ("cancel-while-booking-last", "all-succeed"), ("sleep",)),
    Mutant("compensated-at-once", _compensated_at_once, ("class-b-lands-late",)),
    Mutant("sends-without-asking", _sends_without_asking, ("class-c-unanswered",)),
    Mutant("sends-again-at-once", _sends_again_at_once, ("class-c-lands-late",)),
    Mutant("tells-after-the-commit", _tells_after_the_commit, ("declined",), ("kill",)),
    Mutant("moves-the-cursor-first", _moves_the_cursor_first, ("heard-by-crm",), ("kill",)),
    Mutant("nobody-sweeps", _nobody_sweeps, ("declined",), ("kill",)),
)
BY_NAME: Final = {mutant.name: mutant for mutant in MUTANTS}
