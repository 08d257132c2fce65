"""Faults that an engine must survive: dead and sleeping workers, late answers, unreadable rows. Found by review."""

import time
from uuid import UUID

import pytest
from django.conf import settings
from django.db import InternalError, connection

from booking import tasks
from booking.orchestrator import calls, control, engine, history, moves, store
from booking.orchestrator.decide import Enter, decide
from booking.orchestrator.models import SagaInstance, SagaStep
from booking.orchestrator.shape import Direction, Rows, SagaState, StepState
from booking.orchestrator.sweeper import Sweeper
from outbound.call import Call, Idempotency, Traits
from tests import toy, workers
from tests.integration.booking.test_engine import _clock, start  # noqa: F401 - the clock is a fixture
from tests.tampering import tampering
from tests.unit.booking.test_decide import NOW, PLAN, row
from tests.unit.booking.test_decide import saga as saga_row

pytestmark = pytest.mark.django_db(transaction=True)


def forward(seconds: float) -> None:
    """Move the database's clock of this session ahead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('booking.clock_offset', %s, false)", [f"{seconds} seconds"]
        )


def run(saga: SagaInstance, *, at_most: int = 40, offset: float = 0.0) -> SagaInstance:
    """Advance, moving the clock from `offset`, until the saga ends or is parked."""
    for _ in range(at_most):
        engine.advance(saga.pk)
        saga.refresh_from_db()
        if saga.finished_at or saga.attention_reason:
            return saga
        offset += 5.0
        forward(offset)
    raise AssertionError(f"not at rest: {saga} {list(saga.calls.values())}")


def step_of(
    saga: SagaInstance, step: str, direction: Direction = Direction.FORWARD, item: str = ""
) -> SagaStep:
    return SagaStep.objects.get(saga=saga, step=step, direction=direction, item=item)


def claimed(saga: SagaInstance) -> workers.Claimed:
    """Let a worker claim what is due; what it does then is the test's."""
    while not isinstance(turn := workers.turn(saga.pk), workers.Claimed):
        assert not isinstance(turn, engine.Progress)
    return turn


def test_retry_continues_a_pivot_whose_last_try_died_with_its_worker() -> None:
    toy.WORLD.answers["capture"] = ["unanswered"]
    toy.WORLD.answers["probe capture"] = ["lost"] * 2
    saga = start()
    offset = 0.0
    while True:
        engine_before = SagaStep.objects.get(saga=saga, step="capture", direction="forward").tries
        if engine_before >= 3:
            break
        engine.advance(saga.pk)
        offset += 5
        forward(offset)
    turn = workers.turn(saga.pk)  # the fourth try is claimed; the worker is killed
    assert isinstance(turn, workers.Claimed)
    offset += 31
    forward(offset)
    saga = run(saga, offset=offset)
    assert saga.attention_reason  # parked, as it should be
    control.retry(saga_id=saga.pk, actor="olga", reason="again")

    saga = run(saga, offset=offset)

    assert saga.state == SagaState.COMPLETED, saga.attention_reason


def test_a_worker_whose_lease_ended_cannot_write_after_the_saga_turned_back() -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.B, quiet_seconds=60))
    saga = start()
    engine.advance(saga.pk, link="reservation")
    turn = workers.turn(saga.pk)
    assert isinstance(turn, workers.Claimed)
    flight = next(c for c in turn.claims if c.call.item == "flight")
    forward(31)
    control.request_cancel(saga_id=saga.pk)
    engine.advance(saga.pk)  # turned back; compensations of the legs are verifying
    saga.refresh_from_db()
    assert saga.state == SagaState.COMPENSATING

    workers.record(saga.pk, flight, calls.Answered(toy.Answer(flight.call.key)))

    assert step_of(saga, "book", item="flight").state != "done"


def test_a_late_booking_of_a_zombie_is_not_left_behind() -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.B, quiet_seconds=60), legs=("flight",))
    saga = start()
    engine.advance(saga.pk, link="reservation")
    zombie = workers.turn(saga.pk)
    assert isinstance(zombie, workers.Claimed)
    [flight] = zombie.claims
    forward(31)
    control.request_cancel(saga_id=saga.pk)
    turn = workers.turn(saga.pk)  # turns back and claims the cancellation
    assert isinstance(turn, workers.Claimed)
    [back] = turn.claims
    assert back.call.step == "book"
    # the partner is asked to cancel: nothing there yet (class B, no tombstone)
    cancelled = calls.outcome_of(back)
    toy.WORLD.taken_back.clear()
    # the zombie wakes up, books, and records
    outcome = calls.outcome_of(flight)
    workers.record(saga.pk, flight, outcome)
    workers.record(saga.pk, back, cancelled)
    run(saga, offset=31)

    assert not any(toy.WORLD.stands(key) for key in toy.WORLD.effects if ":book:" in key)


def test_a_worker_that_slept_through_its_lease_does_not_send() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    zombie = workers.turn(saga.pk)
    assert isinstance(zombie, workers.Claimed)
    real = time.monotonic
    try:
        time.monotonic = lambda: real() + 60  # the process was stopped for a minute
        list(calls.make(zombie.claims))
    finally:
        time.monotonic = real

    assert [c for c in toy.WORLD.calls if c.startswith("book")] == []


def test_turning_back_with_nothing_to_take_back_is_closed_by_a_message() -> None:
    toy.WORLD.answers["hold"] = ["no"]
    saga = start()

    progress = engine.advance(saga.pk, link="reservation")

    saga.refresh_from_db()
    assert (progress, saga.state) == (engine.Progress.STOPPED, SagaState.FAILED)


def test_a_new_key_waits_for_the_quiet_period_after_the_end_of_the_call() -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.A, quiet_seconds=10, saves_errors=True))
    saga = start()
    turn = None
    while not isinstance(turn, workers.Claimed):
        turn = workers.turn(saga.pk)
    [claim] = turn.claims
    assert claim.call.step == "authorise"
    forward(
        settings.SAGA_CALL_SECONDS
    )  # the call was cut off at its deadline: it may have left at the last moment
    workers.record(saga.pk, claim, calls.Failed("500", answered=True))
    forward(settings.SAGA_CALL_SECONDS + 2)
    engine.advance(saga.pk)

    assert step_of(saga, "authorise").attempt == 1


def test_a_verification_that_never_gets_an_answer_is_parked() -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.B, quiet_seconds=30))
    toy.WORLD.answers["book flight"] = ["unanswered"]
    toy.WORLD.answers["probe book flight"] = ["lost"] * 500
    toy.WORLD.answers["book hotel"] = ["no"]

    saga = run(start(), at_most=300)

    assert saga.attention_reason


def test_a_compensation_that_kills_every_worker_is_parked() -> None:
    toy.WORLD.answers["book hotel"] = ["no"]
    saga = start()
    engine.advance(saga.pk, link="reservation")
    engine.advance(saga.pk, link="provider")
    offset = 0.0
    for _ in range(30):
        workers.turn(saga.pk)  # claims, then dies
        offset += 31
        forward(offset)
    saga.refresh_from_db()

    assert saga.attention_reason, step_of(saga, "book", Direction.COMPENSATE, "flight").tries


def test_one_unreadable_saga_does_not_stop_the_sweep() -> None:
    bad, good = start(), start()
    with tampering("saga"):
        SagaInstance.objects.filter(pk=bad.pk).update(plan={"name": "toy"})
    forward(60)
    sent = []

    def dispatch(saga_id):
        tasks.compile_chain(saga_id)
        sent.append(saga_id)
        return True

    SagaInstance.objects.update(dispatches=0)
    sweeper = Sweeper(dispatch=dispatch)
    sweeper.sweep()
    sweeper._pool.shutdown(wait=True)

    assert sent == [good.pk]


def test_an_answer_that_arrives_while_the_saga_is_parked_is_kept() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    turn = workers.turn(saga.pk)
    assert isinstance(turn, workers.Claimed)
    moves.park(saga.pk, "another worker met a bug")

    for claim in turn.claims:
        workers.record(saga.pk, claim, calls.outcome_of(claim))

    assert step_of(saga, "book", item="flight").state == "done"


def test_a_stored_request_that_the_code_cannot_read_any_more_parks_or_fails_the_saga() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    workers.turn(saga.pk)
    with tampering("saga_step"):
        SagaStep.objects.filter(saga=saga, step="book").update(request={"other": 1})
    forward(31)

    run(saga, offset=31)


def test_an_action_is_not_asked_for_when_the_flow_is_over() -> None:
    toy.WORLD.answers["authorise"] = ["wait"]
    saga = start()
    engine.advance(saga.pk)
    control.request_cancel(saga_id=saga.pk)
    saga = run(saga)

    assert saga.state == SagaState.CANCELLED
    assert history.progress(subject_id=saga.subject_id).action is None


@pytest.mark.parametrize("answer", ["is awaited", "did not come", "is still to wait"])
def test_what_the_customer_must_do_is_shown_also_while_it_is_asked_about(answer: str) -> None:
    toy.WORLD.answers["authorise"] = ["wait"]
    toy.WORLD.answers["probe authorise"] = ["lost" if answer == "did not come" else "wait"]
    saga = start()
    engine.advance(saga.pk)
    forward(11)

    if answer == "is awaited":
        claimed(saga)
    else:
        engine.advance(saga.pk)

    state = {"is awaited": "claimed", "did not come": "unknown", "is still to wait": "waiting"}
    assert step_of(saga, "authorise").state == state[answer]
    assert history.progress(subject_id=saga.subject_id).action == {"url": "https://example.test"}


def test_a_person_can_settle_a_booking_that_cannot_be_asked_about() -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.D, quiet_seconds=30))
    toy.WORLD.answers["book flight"] = ["unanswered"]
    saga = run(start())
    assert saga.attention_reason

    control.resolve(
        saga_id=saga.pk,
        step="book",
        item="flight",
        outcome=StepState.DONE,
        actor="o",
        evidence="seen",
        answer={"key": "theirs"},
    )
    saga = run(saga)

    assert saga.attention_reason is None


def test_an_accepted_annulment_does_not_sleep_until_now() -> None:
    rows = Rows(
        (
            row("capture", "refused", ambiguous=True),
            row("capture", "accepted", direction=Direction.ANNUL),
        )
    )

    decision = decide(saga_row("pivoting"), rows, PLAN, NOW)

    assert decision == Enter(SagaState.COMPENSATING, "refused")


def test_a_wake_up_of_a_saga_that_closed_meanwhile_is_harmless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    toy.WORLD.answers["authorise"] = ["wait"]
    saga = start()
    engine.advance(saga.pk)
    found = store.live_saga_of(saga.subject_id)
    control.request_cancel(saga_id=saga.pk)
    run(saga)
    monkeypatch.setattr(
        store, "live_saga_of", lambda subject_id: found
    )  # read before the other commit

    control.wake(subject_id=saga.subject_id)


def test_a_retry_does_not_cut_the_quiet_period_short() -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.B, quiet_seconds=600))
    toy.WORLD.answers["book flight"] = ["unanswered"]
    toy.WORLD.answers["book hotel"] = ["no"]
    saga = start()
    engine.advance(saga.pk)
    call = SagaStep.objects.get(saga=saga, step="book", item="flight", direction="compensate")
    assert call.state == "verifying"
    moves.park(saga.pk, "another worker met a bug")

    control.retry(saga_id=saga.pk, actor="olga", reason="fixed")
    engine.advance(saga.pk)

    call.refresh_from_db()
    assert call.state == "verifying"


def test_a_refusal_whose_words_the_database_cannot_store_is_still_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def call(self, request, call):
        toy.WORLD.answer(request.what)
        raise toy.No("sold\x00out")

    saga = start()
    engine.advance(saga.pk, link="reservation")
    monkeypatch.setattr(toy.Remote, "call", call)
    monkeypatch.setattr(toy.TakeBack, "call", lambda self, request, call: toy.Answer("x"))
    saga = run(saga)

    assert saga.reason == "no"


def test_a_saga_that_kills_whoever_runs_it_is_parked_in_the_end() -> None:
    saga = start()
    other = start()
    SagaInstance.objects.filter(pk=saga.pk).update(dispatches=12, due_at=store.now())
    SagaInstance.objects.filter(pk=other.pk).update(dispatches=0, due_at=store.now())
    sent: list[UUID] = []

    def dispatch(saga_id: UUID) -> bool:
        sent.append(saga_id)
        return True

    Sweeper(dispatch=dispatch).sweep()

    saga.refresh_from_db()
    assert saga.attention_reason == "no progress after 12 dispatches: see the logs"
    assert saga.history.order_by("id").last().kind == "parked"
    assert sent == [other.pk]


def test_an_absence_that_was_asked_about_within_the_quiet_period_is_not_believed_after_it() -> None:
    toy.WORLD.traits = Traits(idempotency=Idempotency.A, quiet_seconds=60, saves_errors=True)
    toy.WORLD.answers["capture"] = ["lost"]
    saga = start()
    engine.advance(saga.pk)  # captures: no answer
    forward(30 + 59)
    asked = claimed(saga)  # the lease and the quiet period end in a second
    [claim] = asked.claims
    forward(30 + 62)  # the answer is recorded later

    workers.record(saga.pk, claim, calls.Absent())

    capture = step_of(saga, "capture")
    assert (capture.ambiguous, capture.attempt) == (True, 1)


def test_trouble_of_a_saga_that_was_cancelled_meanwhile_is_not_recorded() -> None:
    toy.WORLD.answers["hold"] = ["lost"]
    saga = start()
    record_trouble = engine.Worker._record_trouble

    def cancelled_meanwhile(worker: engine.Worker, trouble: engine._Trouble) -> None:
        control.request_cancel(saga_id=saga.pk)
        engine.advance(saga.pk)
        record_trouble(worker, trouble)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.Worker, "_record_trouble", cancelled_meanwhile)
        engine.advance(saga.pk)

    saga.refresh_from_db()
    assert (saga.state, saga.attention_reason) == (SagaState.CANCELLED, None)
    assert step_of(saga, "hold").error == ""


@pytest.mark.parametrize("trouble", ["ended for standing still", "cut off"])
def test_an_answer_is_recorded_though_the_transaction_was_lost_on_the_way(
    monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    original, troubles = toy.Remote.record, iter([trouble])

    def record(self: toy.Remote, answer: object, call: Call) -> None:
        match next(troubles, ""):
            case "ended for standing still":
                statement("SET idle_in_transaction_session_timeout = '50ms'")
                time.sleep(0.3)
                statement("SELECT 1")
            case "cut off":
                statement("SELECT pg_terminate_backend(pg_backend_pid())")
        original(self, answer, call)

    monkeypatch.setattr(toy.Remote, "record", record)
    saga = start()

    engine.advance(saga.pk)

    saga.refresh_from_db()
    assert (saga.state, saga.attention_reason) == (SagaState.COMPLETED, None)
    assert toy.WORLD.calls.count("authorise") == 1
    assert toy.WORLD.recorded.count("authorise") == 1
    assert step_of(saga, "authorise").tries == 1


def test_a_worker_that_stood_still_in_a_transaction_is_no_reason_to_park(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def apply(self: toy.Local, call: Call) -> None:
        statement("SET idle_in_transaction_session_timeout = '50ms'")
        time.sleep(0.3)
        statement("SELECT 1")

    monkeypatch.setattr(toy.Local, "apply", apply)
    saga = start()

    with pytest.raises(InternalError, match="idle-in-transaction"):
        engine.advance(saga.pk)

    saga.refresh_from_db()
    assert (saga.state, saga.attention_reason) == (SagaState.RUNNING, None)


def statement(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
