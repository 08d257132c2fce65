"""The engine on real PostgreSQL with toy operations: outcomes, retries, compensation, leases, fences."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, transaction

from booking.orchestrator import control, engine, history
from booking.orchestrator.calls import Answered
from booking.orchestrator.engine import Progress
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.plan import REGISTRY, Link, Pivot, Saga, Step
from booking.orchestrator.shape import Direction, SagaState, StepState
from outbound.call import Call, Idempotency, Traits
from tests import toy, workers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    toy.reset()
    yield
    forward(timedelta(0))


def forward(offset: timedelta) -> None:
    """Move the database's clock of this session to now + offset."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('booking.clock_offset', %s, false)",
            [f"{offset.total_seconds()} seconds"],
        )


def start() -> SagaInstance:
    with transaction.atomic():
        return control.start(toy.TOY, subject_id=uuid4())


def run(saga: SagaInstance, *, at_most: int = 40) -> SagaInstance:
    """Advance, moving the clock to whatever the saga waits for, until it ends or is parked."""
    offset = 0.0
    for _ in range(at_most):
        engine.advance(saga.pk)
        saga.refresh_from_db()
        if saga.finished_at or saga.attention_reason:
            return saga
        offset += 5.0
        forward(timedelta(seconds=offset))
    raise AssertionError(f"not at rest: {saga} {list(saga.calls.values())}")


def states(saga: SagaInstance) -> dict[str, str]:
    return {
        f"{call.direction} {call.step} {call.item}".strip(): call.state for call in saga.calls.all()
    }


def test_a_saga_runs_to_completion() -> None:
    saga = run(start())

    assert saga.state == SagaState.COMPLETED
    assert toy.WORLD.calls == ["hold", "authorise", *sorted_legs(), "capture", "confirm"]
    assert sorted(toy.WORLD.recorded) == ["authorise", "book flight", "book hotel", "capture"]


def sorted_legs() -> list[str]:
    """Legs are called side by side: in whichever order they came."""
    return [call for call in toy.WORLD.calls if call.startswith("book")]


@pytest.mark.parametrize(
    ("step", "taken_back"),
    [
        ("hold", []),
        ("prepare authorise", ["hold"]),
        ("authorise", ["hold"]),
        ("book hotel", ["book flight", "authorise", "hold"]),
        ("capture", ["book flight", "book hotel", "authorise", "hold"]),
    ],
)
def test_a_refusal_takes_back_what_was_done_in_reverse(step: str, taken_back: list[str]) -> None:
    toy.WORLD.answers[step] = ["no"]

    saga = run(start())

    backs = [call.removeprefix("back ") for call in toy.WORLD.calls if call.startswith("back")]
    legs = len([back for back in taken_back if back.startswith("book")])
    assert saga.state == SagaState.FAILED
    assert sorted(backs[:legs]) == taken_back[:legs]
    assert backs[legs:] == taken_back[legs:]
    assert toy.WORLD.closed == [("failed", "no")]
    assert not [key for key in toy.WORLD.effects if toy.WORLD.stands(key) and "hold" not in key]


@pytest.mark.parametrize("step", ["authorise", "book flight", "capture"])
@pytest.mark.parametrize("word", ["lost", "unanswered", "unsent"])
def test_a_call_without_an_answer_takes_effect_exactly_once(step: str, word: str) -> None:
    toy.WORLD.answers[step] = [word]

    saga = run(start())

    assert saga.state == SagaState.COMPLETED
    assert len(toy.WORLD.effects) == len(set(toy.WORLD.effects)) == 6
    assert toy.WORLD.taken_back == []


def test_an_unanswered_call_is_asked_about_before_it_is_sent_again() -> None:
    toy.WORLD.answers["authorise"] = ["unanswered"]

    run(start())

    assert toy.WORLD.calls[1:3] == ["authorise", "probe authorise"]
    assert toy.WORLD.calls.count("authorise") == 1


def test_a_call_that_surely_did_not_leave_is_sent_again_without_asking() -> None:
    toy.WORLD.answers["authorise"] = ["unsent"]

    run(start())

    assert toy.WORLD.calls[1:3] == ["authorise", "authorise"]


def test_exhausted_retries_are_compensated_and_cover_the_unanswered_call() -> None:
    toy.WORLD.answers["book hotel"] = ["unanswered"] * 9
    toy.WORLD.answers["probe book hotel"] = ["lost"] * 9

    saga = run(start())

    assert saga.state == SagaState.FAILED
    assert saga.reason == "retries_exhausted"
    assert not any(toy.WORLD.stands(key) for key in toy.WORLD.effects if "book" in key)


def test_an_unknown_pivot_is_parked_and_never_compensated() -> None:
    toy.WORLD.answers["capture"] = ["unanswered"]
    toy.WORLD.answers["probe capture"] = ["lost"] * 9

    saga = run(start())

    assert saga.attention_reason == "capture (outcome unknown) after 4 tries"
    assert saga.state == SagaState.PIVOTING
    assert toy.WORLD.taken_back == []


def test_a_no_at_an_unanswered_pivot_counts_once_it_is_annulled() -> None:
    toy.WORLD.answers["capture"] = ["lost"]
    toy.WORLD.answers["probe capture"] = ["no"]

    saga = run(start())

    first_back = next(call for call in toy.WORLD.calls if call.startswith("back"))
    assert first_back == "back capture"
    assert saga.state == SagaState.FAILED


def test_a_compensation_that_fails_is_retried_and_does_not_stop_the_others() -> None:
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["lost", "lost"]

    saga = run(start())

    order = [call for call in toy.WORLD.calls if call.startswith("back")]
    assert order[:3] == ["back book flight", "back authorise", "back hold"]
    assert saga.state == SagaState.FAILED


def test_a_compensation_that_fails_for_good_parks_and_can_be_retried_by_a_person() -> None:
    toy.WORLD.answers["capture"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["lost"] * 4
    saga = run(start())
    assert saga.attention_reason == "compensation incomplete: book flight (retries_exhausted)"

    control.retry(saga_id=saga.pk, actor="olga", reason="the partner is back")
    saga = run(saga)

    assert saga.state == SagaState.FAILED
    retried = SagaEvent.objects.get(saga=saga, kind="retried")
    assert (retried.actor, retried.detail["reason"]) == ("olga", "the partner is back")


@pytest.mark.parametrize("outcome", [StepState.DONE, StepState.ACCEPTED])
def test_a_person_settles_what_the_partner_refuses(outcome: StepState) -> None:
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["no"]
    saga = run(start())

    control.resolve(
        saga_id=saga.pk,
        step="book",
        item="flight",
        outcome=outcome,
        actor="olga",
        evidence="ticket 4711",
    )
    saga = run(saga)

    resolved = SagaEvent.objects.get(saga=saga, kind="resolved")
    assert saga.state == SagaState.FAILED
    assert states(saga)["compensate book flight"] == outcome
    assert (resolved.actor, resolved.detail) == (
        "olga",
        {"outcome": outcome.value, "evidence": "ticket 4711"},
    )


@pytest.mark.parametrize(("step", "item"), [("book", "hotel"), ("hold", ""), ("nothing", "")])
def test_a_person_cannot_settle_what_needs_nobody(step: str, item: str) -> None:
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["no"]
    saga = run(start())

    with pytest.raises(control.NotResolvable):
        control.resolve(
            saga_id=saga.pk,
            step=step,
            item=item,
            outcome=StepState.DONE,
            actor="olga",
            evidence="none",
        )

    saga.refresh_from_db()
    assert saga.attention_reason is not None


def test_a_partner_that_refuses_to_cancel_parks_the_saga() -> None:
    toy.WORLD.answers["book hotel"] = ["no"]
    toy.WORLD.answers["back book flight"] = ["no"]

    saga = run(start())

    assert saga.attention_reason == "compensation incomplete: book flight (no)"
    assert states(saga)["compensate hold"] == "done"


def test_without_tombstones_a_compensation_is_verified_after_the_quiet_period() -> None:
    toy.reset(traits=Traits(idempotency=Idempotency.B, quiet_seconds=30))
    toy.WORLD.answers["book flight"] = ["unanswered"]
    toy.WORLD.answers["book hotel"] = ["no"]

    saga = run(start())

    assert toy.WORLD.calls[-1] == "probe book flight"
    assert saga.state == SagaState.FAILED


def test_a_new_key_is_used_only_when_an_error_is_saved_and_the_quiet_period_is_over(
    settings: LazySettings,
) -> None:
    settings.SAGA_CALL_SECONDS, settings.SAGA_LEASE_SECONDS = 1.0, 2.0
    toy.reset(traits=Traits(idempotency=Idempotency.A, quiet_seconds=0.0, saves_errors=True))
    toy.WORLD.answers["authorise"] = ["error"]
    saga = run(start())

    step = SagaStep.objects.get(saga=saga, step="authorise", direction=Direction.FORWARD)

    assert step.attempt == 2
    assert step.key == f"{saga.pk}:authorise:2"


@pytest.mark.parametrize(
    ("quiet_seconds", "saves_errors", "word"),
    [(600, True, "error"), (0, False, "error"), (0, True, "lost")],
)
def test_otherwise_the_same_key_is_sent_again(
    settings: LazySettings, quiet_seconds: float, saves_errors: bool, word: str
) -> None:
    settings.SAGA_CALL_SECONDS, settings.SAGA_LEASE_SECONDS = 1.0, 2.0
    toy.reset(
        traits=Traits(
            idempotency=Idempotency.A, quiet_seconds=quiet_seconds, saves_errors=saves_errors
        )
    )
    toy.WORLD.answers["authorise"] = [word]
    saga = run(start())

    step = SagaStep.objects.get(saga=saga, step="authorise", direction=Direction.FORWARD)

    assert (saga.state, step.attempt) == (SagaState.COMPLETED, 1)


def test_an_answer_that_cannot_be_recorded_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded, failures = toy.Remote.record, ["a bug"]

    def record(self: toy.Remote, answer: toy.Answer, call: Call) -> None:
        if call.step == "authorise" and failures:
            raise ValueError(failures.pop())
        recorded(self, answer, call)

    monkeypatch.setattr(toy.Remote, "record", record)
    saga = run(start())

    assert saga.state == SagaState.COMPLETED
    assert toy.WORLD.calls[1:3] == ["authorise", "probe authorise"]
    assert toy.WORLD.recorded[0] == "authorise"


@pytest.mark.parametrize("pivot", [toy.Remote, toy.Local])
def test_a_pivot_may_be_the_last_step(pivot: type, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = Step("hold", toy.Local, compensate=toy.LocalBack, refused_by=toy.No)
    links = [Link("reservation", hold), Link("payment", Pivot("capture", pivot))]
    monkeypatch.delitem(REGISTRY, "toy")
    Saga("toy", 1, "trip_id", 900, links, toy.fail, toy.cancel)
    with transaction.atomic():
        saga = control.start(REGISTRY["toy"], subject_id=uuid4())

    saga = run(saga)

    assert (saga.state, saga.attention_reason) == (SagaState.COMPLETED, None)


def test_a_waiting_call_goes_on_when_the_customer_has_acted() -> None:
    toy.WORLD.answers["authorise"] = ["wait"]
    saga = start()
    engine.advance(saga.pk)
    progress = history.progress(subject_id=saga.subject_id)
    assert progress is not None
    assert progress.action == {"url": "https://example.test"}
    toy.WORLD.effects.append(f"{saga.pk}:authorise:1")

    control.wake(subject_id=saga.subject_id)
    saga = run(saga)

    assert saga.state == SagaState.COMPLETED


def test_a_customer_who_acts_in_the_last_moment_is_seen_without_being_told() -> None:
    toy.WORLD.answers["authorise"] = ["wait"]
    saga = start()
    engine.advance(saga.pk)
    toy.WORLD.effects.append(f"{saga.pk}:authorise:1")

    forward(timedelta(seconds=601))
    engine.advance(saga.pk)

    saga.refresh_from_db()
    assert saga.state == SagaState.COMPLETED


def test_a_customer_who_never_acts_is_released() -> None:
    toy.WORLD.answers["authorise"] = ["wait"]
    toy.WORLD.answers["probe authorise"] = ["wait"] * 200

    saga = run(start(), at_most=200)

    assert (saga.state, saga.reason) == (SagaState.FAILED, "action_timed_out")
    assert "back authorise" in toy.WORLD.calls


def test_the_deadline_is_the_databases() -> None:
    toy.WORLD.answers["book flight"] = ["unsent"] * 99
    saga = start()
    engine.advance(saga.pk)

    forward(timedelta(seconds=901))
    saga = run(saga)

    assert (saga.state, saga.reason) == (SagaState.FAILED, "deadline_passed")


def test_a_cancellation_before_the_pivot_wins() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")

    control.request_cancel(saga_id=saga.pk, actor="account 1")
    saga = run(saga)

    assert (saga.state, toy.WORLD.closed) == (SagaState.CANCELLED, [("cancelled", "cancelled")])


def test_a_cancellation_after_the_pivot_is_too_late() -> None:
    toy.WORLD.answers["capture"] = ["unanswered"]
    saga = start()
    engine.advance(saga.pk)

    with pytest.raises(control.TooLate):
        control.request_cancel(saga_id=saga.pk)

    assert run(saga).state == SagaState.COMPLETED


def test_a_link_runs_only_its_own_steps_and_passes_the_chain_on() -> None:
    saga = start()

    assert engine.advance(saga.pk, link="provider") is Progress.STOPPED
    assert toy.WORLD.calls == []
    assert engine.advance(saga.pk, link="reservation") is Progress.PASSED
    assert toy.WORLD.calls == ["hold", "authorise"]
    assert engine.advance(saga.pk, link="reservation") is Progress.PASSED
    assert toy.WORLD.calls == ["hold", "authorise"]


def test_a_link_that_meets_a_refusal_asks_for_the_chain_of_compensations() -> None:
    toy.WORLD.answers["book hotel"] = ["no"]
    saga = start()
    engine.advance(saga.pk, link="reservation")

    progress = engine.advance(saga.pk, link="provider")

    assert progress is Progress.TURNED
    assert control.remaining_links(saga.pk) == (Direction.COMPENSATE, ("provider", "reservation"))
    late = engine.advance(saga.pk, link="provider", direction=Direction.FORWARD)
    assert late is Progress.STOPPED


def test_a_late_writer_changes_nothing() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    turn = workers.turn(saga.pk)
    assert isinstance(turn, workers.Claimed)
    flight = turn.claims[0]
    saga.calls.filter(step="book", item=flight.call.item).update(epoch=flight.epoch + 1)

    workers.record(saga.pk, flight, Answered(toy.Answer(flight.call.key)))

    step = saga.calls.get(step="book", item=flight.call.item)
    assert (step.state, toy.WORLD.recorded) == ("claimed", ["authorise"])


def test_a_worker_that_dies_is_replaced_when_its_lease_ends() -> None:
    saga = start()
    engine.advance(saga.pk, link="reservation")
    workers.turn(saga.pk)
    engine.advance(saga.pk)
    assert sorted_legs() == []

    forward(timedelta(seconds=31))
    saga = run(saga)

    assert saga.state == SagaState.COMPLETED
    assert len(set(toy.WORLD.effects)) == len(toy.WORLD.effects) == 6


def test_a_local_step_that_fails_leaves_nothing_and_is_retried() -> None:
    toy.WORLD.answers["confirm"] = ["lost"]

    saga = run(start())

    assert saga.state == SagaState.COMPLETED
    assert toy.WORLD.calls.count("confirm") == 2


def test_a_saga_whose_code_is_gone_is_parked_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    saga = start()
    monkeypatch.delitem(engine.operations.REGISTRY, "toy")

    engine.advance(saga.pk)

    saga.refresh_from_db()
    assert saga.attention_reason == "CodeMissing: no saga is named 'toy'"


def test_a_subject_has_one_live_saga() -> None:
    saga = start()

    with pytest.raises(IntegrityError), transaction.atomic():
        control.start(toy.TOY, subject_id=saga.subject_id)


def test_a_second_attempt_after_a_failure_is_a_new_saga() -> None:
    toy.WORLD.answers["authorise"] = ["no"]
    first = run(start())

    with transaction.atomic():
        second = control.start(toy.TOY, subject_id=first.subject_id)

    assert run(second).state == SagaState.COMPLETED
