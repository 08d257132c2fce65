"""A partner that can be neither asked nor safely asked twice (class D): a person settles what is lost."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from booking.orchestrator import control, engine
from booking.orchestrator.models import SagaInstance, SagaStep
from booking.orchestrator.shape import Direction, SagaState, StepState
from outbound.call import Idempotency, Traits
from tests import toy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _class_d() -> Iterator[None]:
    toy.reset(traits=Traits(idempotency=Idempotency.D, quiet_seconds=0))
    yield
    _at(0)


def _at(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('booking.clock_offset', %s, false)", [f"{seconds} seconds"]
        )


def _run(saga: SagaInstance, *, since: float = 0) -> SagaInstance:
    for turn in range(40):
        _at(since + 5.0 * turn)
        engine.advance(saga.pk)
        saga.refresh_from_db()
        if saga.finished_at or saga.attention_reason:
            return saga
    raise AssertionError(f"not at rest: {saga}")


def _start() -> SagaInstance:
    with transaction.atomic():
        return control.start(toy.TOY, subject_id=uuid4())


def _resolve(saga: SagaInstance, step: str, item: str, outcome: StepState, **more: Any) -> None:
    control.resolve(
        saga_id=saga.pk,
        step=step,
        item=item,
        outcome=outcome,
        actor="olga",
        evidence="seen",
        **more,
    )


def test_a_compensation_without_an_answer_is_not_made_again_and_the_others_are() -> None:
    toy.WORLD.answers |= {"book hotel": ["no"], "back book flight": ["lost"]}

    saga = _run(_start())

    assert saga.attention_reason == "compensation incomplete: book flight (outcome_unknown)"
    assert toy.WORLD.calls.count("back book flight") == 1
    assert "back hold" in toy.WORLD.calls
    _resolve(saga, "book", "flight", StepState.DONE)
    assert _run(saga, since=200).state == SagaState.FAILED
    assert toy.WORLD.calls.count("back book flight") == 1


def test_a_compensation_whose_worker_was_killed_is_not_made_again() -> None:
    toy.WORLD.answers |= {"book hotel": ["no"], "back book flight": ["lost"]}
    saga = _run(_start())
    # As if the worker had died before it could write down that no answer came.
    back = SagaStep.objects.filter(saga=saga, direction=Direction.COMPENSATE, item="flight")
    SagaInstance.objects.filter(pk=saga.pk).update(attention_reason=None, due_at=saga.created_at)
    back.update(state=StepState.PENDING, ambiguous=False)
    back.update(state=StepState.CLAIMED, lease_until=saga.created_at)

    saga = _run(saga, since=200)

    assert saga.attention_reason == "compensation incomplete: book flight (outcome_unknown)"
    assert toy.WORLD.calls.count("back book flight") == 1


def test_a_booking_that_did_not_happen_turns_the_saga_back_and_leaves_nothing_to_compensate() -> (
    None
):
    toy.WORLD.answers["book flight"] = ["lost"]
    saga = _run(_start())

    _resolve(saga, "book", "flight", StepState.ACCEPTED)

    assert _run(saga, since=200).state == SagaState.FAILED
    assert "back book flight" not in toy.WORLD.calls
    assert "back book hotel" in toy.WORLD.calls


def test_what_a_person_was_told_is_recorded_like_an_answer() -> None:
    toy.WORLD.answers["book flight"] = ["unanswered"]
    saga = _run(_start())
    assert "book flight" not in toy.WORLD.recorded

    _resolve(saga, "book", "flight", StepState.DONE, answer={"key": "their own"})

    assert "book flight" in toy.WORLD.recorded
    assert saga.calls.get(item="flight").result == {"key": "their own"}
    assert _run(saga, since=200).state == SagaState.COMPLETED


def test_what_a_person_found_is_cancelled_without_a_question_that_nobody_can_answer() -> None:
    toy.WORLD.answers |= {"book flight": ["unanswered"], "capture": ["no"]}
    saga = _run(_start())

    _resolve(saga, "book", "flight", StepState.DONE, answer={"key": "their own"})

    assert _run(saga, since=200).state == SagaState.FAILED
    assert toy.WORLD.calls.count("back book flight") == 1
    assert "probe book flight" not in toy.WORLD.calls


def test_what_is_no_answer_settles_nothing() -> None:
    toy.WORLD.answers["book flight"] = ["unanswered"]
    saga = _run(_start())

    with pytest.raises(control.NotResolvable, match="no answer to book"):
        _resolve(saga, "book", "flight", StepState.DONE, answer={"key": 7})

    assert saga.calls.get(item="flight").state == StepState.UNKNOWN


@pytest.fixture
def turned() -> SagaInstance:
    """Return a saga whose lost booking an operator was looking at while its traveller cancelled."""
    toy.WORLD.answers |= {"book flight": ["unanswered"], "back book flight": ["lost"]}
    saga = _run(_start())
    assert "outcome unknown" in str(saga.attention_reason)
    control.request_cancel(saga_id=saga.pk)
    saga = _run(saga, since=200)
    assert saga.attention_reason == "compensation incomplete: book flight (outcome_unknown)"
    return saga


def test_what_was_seen_of_a_booking_does_not_settle_its_cancellation(turned: SagaInstance) -> None:
    with pytest.raises(control.Turned, match="look again"):
        _resolve(turned, "book", "flight", StepState.DONE, direction=Direction.FORWARD)

    back = turned.calls.get(item="flight", direction=Direction.COMPENSATE)
    turned.refresh_from_db()
    assert (back.state, turned.attention_reason is None) == (StepState.PARKED, False)
    assert control.Turned.code == "saga_turned"


@pytest.mark.parametrize("outcome", [StepState.DONE, StepState.ACCEPTED])
def test_where_both_directions_are_open_the_one_that_is_meant_must_be_named(
    turned: SagaInstance, outcome: StepState
) -> None:
    with pytest.raises(control.NotResolvable, match="say which is meant"):
        _resolve(turned, "book", "flight", outcome)

    _resolve(turned, "book", "flight", outcome, direction=Direction.COMPENSATE)
    assert _run(turned, since=500).state == SagaState.CANCELLED


def test_to_let_it_try_again_asserts_nothing_of_a_call(turned: SagaInstance) -> None:
    control.retry(saga_id=turned.pk, actor="olga", reason="they telephoned")

    assert _run(turned, since=500).attention_reason == turned.attention_reason
    assert toy.WORLD.calls.count("back book flight") == 1
