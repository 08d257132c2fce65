"""A unit of work before it is written: what is seen of the changes, and in what order they will be told."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from booking.orchestrator import work as module
from booking.orchestrator.shape import SagaState, StepRow, StepState
from booking.orchestrator.work import Work
from tests.unit.booking.desk import BACK, START, Desk, after


@pytest.fixture
def work(desk: Desk) -> Work:
    """Return a unit of work as `store.read` makes it."""
    return Work(desk.memory.saga, desk.memory.calls, START)


def test_time_goes_on_from_the_databases_time(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 107.5])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(moments)))

    work._begin(after(3))

    assert work.now == after(3) + timedelta(seconds=7.5)


def test_nothing_is_changed_at_first(work: Work) -> None:
    assert not work.changed
    assert not work.enters_a_state


@pytest.mark.parametrize(
    "change",
    [
        lambda work: work.change(work.rows.all[0], tries=1),
        lambda work: work.add([StepRow(step="hold", direction=BACK)]),
        lambda work: work.move(due_at=START),
        lambda work: work.note("woken"),
    ],
)
def test_whatever_is_to_be_written_is_a_change(work: Work, change: Any) -> None:
    change(work)

    assert work.changed
    assert not work.enters_a_state


def test_a_changed_call_is_seen_at_once(work: Work) -> None:
    hold = work.rows.of("hold")[0]

    changed = work.change(hold, tries=4)

    assert (changed.tries, work.rows.of("hold")) == (4, [changed])


def test_a_change_is_made_to_the_call_as_it_is_now(work: Work) -> None:
    stale = work.rows.of("hold")[0]
    work.change(stale, tries=4)

    assert work.change(stale, error="x").tries == 4


def test_a_settled_call_is_nobodys(work: Work) -> None:
    hold = work.change(work.rows.of("hold")[0], lease_until=after(30))

    assert work.settle(hold, state=StepState.DONE).lease_until is None
    assert work.rows.of("hold")[0].state == "done"


def test_an_added_call_is_found_and_its_forward_call_too(work: Work) -> None:
    back = StepRow(step="hold", direction=BACK)
    work.add([back])

    assert work.rows.of("hold", BACK) == [back]
    assert work.forward(back) is work.rows.of("hold")[0]


def test_a_moved_saga_is_seen_at_once(work: Work) -> None:
    work.move(state=SagaState.FAILED, due_at=None, finished_at=START)
    assert work.enters_a_state
    work.move(reason="no")

    assert (work.saga.state, work.saga.due_at, work.saga.reason) == ("failed", None, "no")
    assert work._columns == {
        "state": "failed", "due_at": None, "finished_at": START, "reason": "no",
    }  # fmt: skip


def test_a_flag_is_up_while_its_column_has_a_value(work: Work) -> None:
    work.move(cancel_requested_at=START, attention_reason="look")
    assert (work.saga.cancel_requested, work.saga.parked) == (True, True)

    work.move(attention_reason=None)
    assert (work.saga.cancel_requested, work.saga.parked) == (True, False)


def test_the_history_says_when_who_and_where_a_call_stood(work: Work) -> None:
    work.change(work.calls["book", "flight", module.Direction.FORWARD], tries=3, attempt=2)
    moments = {"at": work.now}
    work._begin(START)
    work.note("retried", work.rows.of("book")[0], actor="a" * 200, why="back")
    work.note("woken")

    told, woken = work._notes
    assert told.pop("at") - moments["at"] < timedelta(seconds=1)
    assert told == {
        "kind": "retried", "step": "book", "item": "flight", "direction": "forward", "attempt": 2,
        "tries": 3, "actor": "a" * 120, "detail": {"why": "back"},
    }  # fmt: skip
    woken.pop("at")
    assert woken == {
        "kind": "woken", "step": "", "item": "", "direction": "", "attempt": 0, "tries": 0,
        "actor": "", "detail": {},
    }  # fmt: skip


def test_a_statement_is_made_from_its_list_of_columns() -> None:
    assert module._insert("saga_event", ["kind", "tries"]) == (
        "INSERT INTO saga_event (saga_id, kind, tries) SELECT fence.id, c.kind, c.tries"
        " FROM fence, jsonb_populate_recordset(NULL::saga_event, %s::jsonb) AS c"
    )
