"""Stuck, contradictory and forged sagas cannot be written, not even by raw SQL: each is tried here.

The illegal moves are generated from the engine's own tables, so these tests also prove that the
database's triggers and `MOVES`, `STEP_MOVES` say the same.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from booking.orchestrator import control
from booking.orchestrator.models import SagaEvent, SagaInstance, SagaStep
from booking.orchestrator.shape import FINAL, MOVES, STEP_MOVES, SagaState, StepState
from tests import toy

pytestmark = pytest.mark.django_db

SAGA_PAIRS = [(old, new) for old in SagaState for new in SagaState if old is not new]
STEP_PAIRS = [(old, new) for old in StepState for new in StepState if old is not new]

WITH_STATE: Mapping[str, str] = {
    "running": "due_at = now()",
    "pivoting": "due_at = now()",
    "finishing": "due_at = now()",
    "compensating": "due_at = now(), reason = 'sold_out'",
    "completed": "due_at = NULL, finished_at = now()",
    "failed": "due_at = NULL, finished_at = now(), reason = 'sold_out'",
    "cancelled": "due_at = NULL, finished_at = now(), reason = 'cancelled', cancel_requested_at = now()",
}
"""What a saga's other columns must say in a state, so that only the move itself can be wrong."""

WITH_STEP_STATE: Mapping[str, str] = {
    state.value: "due_at = NULL, lease_until = NULL, wait_until = now()" for state in StepState
} | {"claimed": "due_at = NULL, lease_until = now()"}


@pytest.fixture
def saga() -> SagaInstance:
    toy.reset()
    return control.start(toy.TOY, subject_id=uuid4())


@pytest.fixture
def call(saga: SagaInstance) -> SagaStep:
    return saga.calls.get(step="authorise")


def execute(statement: str, *parameters: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def without_triggers(table: str) -> None:
    """Let a constraint be tried alone: the triggers would come first and hide it."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def path(moves: Mapping[Any, frozenset[Any]], start: Any, end: Any) -> list[Any]:
    """Return the shortest legal way from one state to another, without the first."""
    ways: list[list[Any]] = [[start]]
    for way in ways:
        if way[-1] is end:
            return way[1:]
        ways += [[*way, state] for state in moves.get(way[-1], ()) if state not in way]
    raise AssertionError(f"no way from {start} to {end}")


def move_saga(saga_id: UUID, state: str) -> None:
    if state in FINAL:
        execute(
            "UPDATE saga_step SET state = 'done' WHERE saga_id = %s AND state <> 'done'", saga_id
        )
    execute(f"UPDATE saga SET state = %s, {WITH_STATE[state]} WHERE id = %s", state, saga_id)


def move_call(call_id: int, state: str) -> None:
    execute(
        f"UPDATE saga_step SET state = %s, {WITH_STEP_STATE[state]} WHERE id = %s", state, call_id
    )


@pytest.mark.parametrize(("old", "new"), SAGA_PAIRS)
def test_a_saga_makes_exactly_the_moves_of_the_table(
    saga: SagaInstance, old: SagaState, new: SagaState
) -> None:
    for state in path(MOVES, SagaState.RUNNING, old):
        move_saga(saga.pk, state)

    if new in MOVES.get(old, ()):
        move_saga(saga.pk, new)
    else:
        with pytest.raises(IntegrityError, match=f"illegal move from {old} to {new}"):
            move_saga(saga.pk, new)


@pytest.mark.parametrize(("old", "new"), STEP_PAIRS)
def test_a_call_makes_exactly_the_moves_of_the_table(
    call: SagaStep, old: StepState, new: StepState
) -> None:
    for state in path(STEP_MOVES, StepState.PENDING, old):
        move_call(call.pk, state)

    if new in STEP_MOVES.get(old, ()):
        move_call(call.pk, new)
    else:
        with pytest.raises(IntegrityError, match=f"illegal move from {old} to {new}"):
            move_call(call.pk, new)


@pytest.mark.parametrize("state", sorted(set(SagaState) - {SagaState.RUNNING}))
def test_a_saga_starts_running(saga: SagaInstance, state: SagaState) -> None:
    columns = "id, name, version, plan, subject_id, reason, epoch, deadline_at, dispatches, correlation_id, traceparent, created_at"

    with pytest.raises(IntegrityError, match="must start running"):
        execute(
            f"INSERT INTO saga ({columns}, state) SELECT {columns.replace('id', 'gen_random_uuid()', 1)}, %s FROM saga",
            state,
        )


@pytest.mark.parametrize("state", sorted(set(StepState) - {StepState.PENDING}))
def test_a_call_starts_pending(saga: SagaInstance, state: StepState) -> None:
    with pytest.raises(IntegrityError, match="must start pending"), transaction.atomic():
        SagaStep.objects.create(saga=saga, step="more", key="more", state=state)


SAGA_CHECKS = {
    "saga_state_known": "state = 'elsewhere'",
    "saga_live_is_due_or_parked": "due_at = NULL",
    "saga_final_has_an_end": "finished_at = now()",
    "saga_parked_says_why": "due_at = NULL, attention_reason = ''",
    "saga_turned_back_says_why": "state = 'compensating'",
}
FORBIDDEN_SAGAS = [
    *SAGA_CHECKS.items(),
    ("saga_live_is_due_or_parked", "due_at = now(), attention_reason = 'both'"),
    ("saga_version_check", "version = -1"),
    ("saga_epoch_check", "epoch = -1"),
    ("saga_dispatches_check", "dispatches = -1"),
]


@pytest.mark.parametrize(("constraint", "change"), FORBIDDEN_SAGAS)
def test_a_stuck_or_contradictory_saga_is_refused(
    saga: SagaInstance, constraint: str, change: str
) -> None:
    without_triggers("saga")

    with pytest.raises(IntegrityError, match=constraint):
        execute(f"UPDATE saga SET {change} WHERE id = %s", saga.pk)


@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("saga_cancelled_was_asked_for", "state = 'cancelled', due_at = NULL, finished_at = now(), reason = 'cancelled'"),
        ("saga_live_is_due_or_parked", "state = 'completed', finished_at = now()"),
        ("saga_final_has_an_end", "state = 'completed', due_at = NULL"),
    ],
)  # fmt: skip
def test_a_forged_end_is_refused(saga: SagaInstance, constraint: str, change: str) -> None:
    without_triggers("saga")

    with pytest.raises(IntegrityError, match=constraint):
        execute(f"UPDATE saga SET {change} WHERE id = %s", saga.pk)


FORBIDDEN_CALLS = [
    ("saga_step_state_known", "state = 'elsewhere'"),
    ("saga_step_direction_known", "direction = 'sideways'"),
    ("saga_step_class_known", "idempotency = 'E'"),
    ("saga_step_attempts_count_from_one", "attempt = 0"),
    ("saga_step_tries_check", "tries = -1"),
    ("saga_step_epoch_check", "epoch = -1"),
    ("saga_step_claimed_has_a_lease", "state = 'claimed'"),
    ("saga_step_claimed_has_a_lease", "lease_until = now()"),
    ("saga_step_waiting_ends", "state = 'waiting'"),
    *(("saga_step_settled_is_not_due", f"state = '{state}', due_at = now()") for state in ("done", "refused", "parked", "accepted")),
]  # fmt: skip


@pytest.mark.parametrize(("constraint", "change"), FORBIDDEN_CALLS)
def test_a_contradictory_call_is_refused(call: SagaStep, constraint: str, change: str) -> None:
    without_triggers("saga_step")

    with pytest.raises(IntegrityError, match=constraint):
        execute(f"UPDATE saga_step SET {change} WHERE id = %s", call.pk)


def test_every_check_of_the_two_tables_is_tried() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c'"
            " AND conrelid IN ('saga'::regclass, 'saga_step'::regclass)"
        )
        existing = {name for (name,) in cursor.fetchall()}

    tried = {name for name, _ in FORBIDDEN_SAGAS} | {name for name, _ in FORBIDDEN_CALLS}
    missed = existing - tried - {"saga_cancelled_was_asked_for", "saga_step_attempt_check"}

    assert missed == set()


def test_a_subject_has_one_live_saga(saga: SagaInstance) -> None:
    with pytest.raises(IntegrityError, match="saga_one_live_per_subject"), transaction.atomic():
        control.start(toy.TOY, subject_id=saga.subject_id)


def test_a_parked_saga_holds_its_subject(saga: SagaInstance) -> None:
    execute("UPDATE saga SET due_at = NULL, attention_reason = 'x' WHERE id = %s", saga.pk)

    with pytest.raises(IntegrityError, match="saga_one_live_per_subject"), transaction.atomic():
        control.start(toy.TOY, subject_id=saga.subject_id)


def test_a_call_is_made_once_in_a_direction(saga: SagaInstance) -> None:
    without_triggers("saga_step")

    with pytest.raises(IntegrityError, match="saga_step_one_call"):
        execute("UPDATE saga_step SET step = 'book', item = 'flight' WHERE saga_id = %s", saga.pk)


@pytest.mark.parametrize(
    "change",
    [
        "plan = '{}'",
        "version = version + 1",
        "name = 'other'",
        "subject_id = gen_random_uuid()",
        "created_at = now() + interval '1 day'",
    ],
)
def test_the_plan_and_the_subject_of_a_saga_are_fixed(saga: SagaInstance, change: str) -> None:
    with pytest.raises(IntegrityError, match="fixed at its start"):
        execute(f"UPDATE saga SET {change} WHERE id = %s", saga.pk)


@pytest.mark.parametrize(
    "change", ["step = 'x'", "item = 'x'", "direction = 'annul'", "given = '[]'"]
)
def test_what_a_call_calls_is_fixed(call: SagaStep, change: str) -> None:
    with pytest.raises(IntegrityError, match="fixed at its start"):
        execute(f"UPDATE saga_step SET {change} WHERE id = %s", call.pk)


def test_a_retry_sends_the_same_request(call: SagaStep) -> None:
    execute("""UPDATE saga_step SET request = '{"a": 1}' WHERE id = %s""", call.pk)
    execute("""UPDATE saga_step SET request = '{"a": 1}' WHERE id = %s""", call.pk)

    with pytest.raises(IntegrityError, match="same request"):
        execute("""UPDATE saga_step SET request = '{"a": 2}' WHERE id = %s""", call.pk)


@pytest.mark.parametrize("change", ["epoch = 2", "attempt = 2", "key = 'other'"])
def test_fences_only_rise_and_a_key_belongs_to_its_attempt(call: SagaStep, change: str) -> None:
    execute("UPDATE saga_step SET epoch = 3, attempt = 3, key = 'third' WHERE id = %s", call.pk)

    with pytest.raises(IntegrityError, match="only rise"):
        execute(f"UPDATE saga_step SET {change} WHERE id = %s", call.pk)


def test_the_epoch_of_a_saga_only_rises(saga: SagaInstance) -> None:
    execute("UPDATE saga SET epoch = 3 WHERE id = %s", saga.pk)

    with pytest.raises(IntegrityError, match="only rises"):
        execute("UPDATE saga SET epoch = 2 WHERE id = %s", saga.pk)


@pytest.mark.parametrize("end", sorted(FINAL))
@pytest.mark.parametrize("change", ["reason = 'rewritten'", "epoch = epoch + 1", "finished_at = now() + interval '1 s'"])  # fmt: skip
def test_what_is_over_is_not_changed(saga: SagaInstance, end: SagaState, change: str) -> None:
    for state in path(MOVES, SagaState.RUNNING, end):
        move_saga(saga.pk, state)

    with pytest.raises(IntegrityError, match="nothing can change it"):
        execute(f"UPDATE saga SET {change} WHERE id = %s", saga.pk)


@pytest.mark.parametrize("state", sorted(set(StepState) - {StepState.DONE, StepState.ACCEPTED}))
def test_a_saga_is_not_completed_while_a_call_is_open(
    saga: SagaInstance, call: SagaStep, state: StepState
) -> None:
    execute("UPDATE saga_step SET state = 'done' WHERE saga_id = %s AND id <> %s", saga.pk, call.pk)
    for step in path(STEP_MOVES, StepState.PENDING, state):
        move_call(call.pk, step)

    with pytest.raises(IntegrityError, match="has open calls"):
        execute(
            f"UPDATE saga SET state = 'completed', {WITH_STATE['completed']} WHERE id = %s", saga.pk
        )


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_saga_is_not_over_while_a_compensation_is_open(saga: SagaInstance, end: str) -> None:
    back = SagaStep.objects.create(saga=saga, step="hold", direction="compensate", key="back")
    move_saga(saga.pk, "compensating")

    with pytest.raises(IntegrityError, match="has open calls"):
        execute(f"UPDATE saga SET state = %s, {WITH_STATE[end]} WHERE id = %s", end, saga.pk)

    move_call(back.pk, "parked")
    move_call(back.pk, "accepted")
    execute(f"UPDATE saga SET state = %s, {WITH_STATE[end]} WHERE id = %s", end, saga.pk)


def test_history_is_append_only(saga: SagaInstance) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        SagaEvent.objects.filter(saga=saga).update(kind="rewritten")


@pytest.mark.parametrize("table", ["saga_event", "saga_step"])
def test_a_live_saga_loses_nothing(saga: SagaInstance, table: str) -> None:
    with pytest.raises(IntegrityError, match="not over"):
        execute(f"DELETE FROM {table} WHERE saga_id = %s", saga.pk)
    with pytest.raises(IntegrityError, match="not over"):
        execute("DELETE FROM saga WHERE id = %s", saga.pk)


def test_what_is_over_can_be_purged(saga: SagaInstance) -> None:
    move_saga(saga.pk, "completed")

    saga.delete()

    assert not SagaEvent.objects.filter(saga_id=saga.pk).exists()
