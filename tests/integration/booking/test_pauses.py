"""A call whose other side is to be left alone waits, without a try, within its saga's deadline."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from booking.orchestrator import control, engine, store
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.shape import SagaState, StepState
from outbound.call import Pause
from tests import toy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _new_world() -> Iterator[None]:
    toy.reset()
    yield
    _at(0)


def _at(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('booking.clock_offset', %s, false)", [f"{seconds} seconds"]
        )


def _start(seconds: float) -> SagaInstance:
    """Start a saga whose hotel is to be left alone for so long."""
    until = store.now() + timedelta(seconds=seconds)
    toy.WORLD.pauses = {
        name: Pause(until=until, why="the hotel does not answer")
        for name in ("book hotel", "back book hotel")
    }
    with transaction.atomic():
        return control.start(toy.TOY, subject_id=uuid4())


def _hotel(saga: SagaInstance) -> SagaStep:
    return SagaStep.objects.get(saga=saga, item="hotel", direction="forward")


def test_a_call_that_is_put_off_uses_no_try_and_the_others_are_made() -> None:
    saga = _start(60)

    engine.advance(saga.pk)

    saga.refresh_from_db()
    hotel = _hotel(saga)
    assert (hotel.state, hotel.tries, hotel.lease_until) == ("pending", 0, None)
    assert hotel.due_at == saga.due_at == toy.WORLD.pauses["book hotel"].until
    assert "book flight" in toy.WORLD.recorded
    [note] = SagaEvent.objects.filter(saga=saga, kind="postponed")
    assert (note.item, note.detail["reason"]) == ("hotel", "the hotel does not answer")
    _at(61)
    engine.advance(saga.pk)
    saga.refresh_from_db()
    assert saga.state == SagaState.COMPLETED
    assert _hotel(saga).tries == 1


def test_a_call_that_is_put_off_again_and_again_is_told_once() -> None:
    saga = _start(5)

    for turn in range(6):
        _at(10 * turn)
        until = store.now() + timedelta(seconds=5)
        toy.WORLD.pauses["book hotel"] = Pause(until=until, why="the hotel does not answer")
        engine.advance(saga.pk)

    [note] = SagaEvent.objects.filter(saga=saga, kind="postponed")
    assert note.item == "hotel"
    assert _hotel(saga).due_at == until


def test_a_saga_waits_within_its_deadline_only() -> None:
    saga = _start(3600)

    engine.advance(saga.pk)
    saga.refresh_from_db()
    assert saga.due_at == saga.deadline_at
    _at(901)
    engine.advance(saga.pk)

    saga.refresh_from_db()
    assert (saga.state, saga.reason) == (SagaState.FAILED, "deadline_passed")
    assert "book hotel" not in toy.WORLD.calls
    assert "back book flight" in toy.WORLD.calls


def test_a_call_whose_worker_died_is_unanswered_while_it_is_put_off() -> None:
    saga = _start(60)
    engine.advance(saga.pk)
    hotel = SagaStep.objects.filter(pk=_hotel(saga).pk)
    hotel.update(state=StepState.CLAIMED, lease_until=saga.created_at, tries=1)

    engine.advance(saga.pk)

    found = _hotel(saga)
    assert (found.state, found.ambiguous, found.tries) == ("unknown", True, 1)
    assert found.due_at == toy.WORLD.pauses["book hotel"].until


def test_a_compensation_waits_as_long_as_it_takes_and_is_not_given_up() -> None:
    saga = _start(0)
    toy.WORLD.answers["book hotel"] = ["unanswered"]
    engine.advance(saga.pk)
    until = store.now() + timedelta(days=1)
    toy.WORLD.pauses = {"book hotel": Pause(until=until, why="away")}
    control.request_cancel(saga_id=saga.pk)

    for hours in range(1, 24):
        _at(hours * 3600)
        engine.advance(saga.pk)
    saga.refresh_from_db()
    assert (saga.state, saga.attention_reason) == (SagaState.COMPENSATING, None)
    _at(25 * 3600)
    engine.advance(saga.pk)

    saga.refresh_from_db()
    assert saga.state == SagaState.CANCELLED


def test_what_got_no_answer_is_counted_against_the_other_side() -> None:
    saga = _start(0)
    toy.WORLD.answers |= {"book hotel": ["lost"], "authorise": ["unsent"]}

    for turn in range(6):
        _at(10 * turn)
        engine.advance(saga.pk)

    saga.refresh_from_db()
    assert saga.state == SagaState.COMPLETED
    assert sorted(toy.WORLD.failures) == ["authorise", "book hotel"]
