"""What `decide` never does, whatever the rows: properties, tried on generated sagas."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from booking.orchestrator.decide import Close, Enter, Run, Sleep, decide
from booking.orchestrator.shape import (
    FINAL,
    MOVES,
    SETTLED,
    Direction,
    Rows,
    SagaRow,
    SagaState,
    StepRow,
    StepState,
)
from tests.unit.booking.test_decide import BEFORE, LATER, NOW, PLAN

LEGS = ("flight", "hotel")
TIMES = st.sampled_from([None, BEFORE, NOW, LATER])


@st.composite
def rows_of(draw: st.DrawFn, step: str, item: str, direction: Direction) -> StepRow:
    """Generate a call in a state that the engine can bring it to."""
    parked = {StepState.PARKED, StepState.ACCEPTED}
    possible = [
        state
        for state in StepState
        if direction is Direction.COMPENSATE or state not in {*parked, StepState.VERIFYING}
    ]
    state = draw(st.sampled_from(possible))
    return StepRow(
        step=step,
        item=item,
        direction=direction,
        state=state,
        tries=draw(st.integers(0, 4)),
        ambiguous=draw(st.booleans()),
        due_at=None if state in SETTLED else draw(TIMES),
        lease_until=draw(st.sampled_from([BEFORE, LATER])) if state is StepState.CLAIMED else None,
        wait_until=draw(st.sampled_from([BEFORE, LATER])) if state is StepState.WAITING else None,
        never_resend=draw(st.booleans()),
    )


@st.composite
def sagas(draw: st.DrawFn) -> tuple[SagaRow, Rows]:
    """Generate a live saga with its calls in any states."""
    calls = []
    for step in PLAN.steps:
        for item in LEGS if step.name == "book" else ("",):
            calls.append(draw(rows_of(step.name, item, Direction.FORWARD)))
            if step.compensated and draw(st.booleans()):
                calls.append(draw(rows_of(step.name, item, Direction.COMPENSATE)))
    if draw(st.booleans()):
        calls.append(draw(rows_of("capture", "", Direction.ANNUL)))
    about = SagaRow(
        state=draw(st.sampled_from(sorted(set(SagaState) - FINAL))),
        deadline_at=NOW + timedelta(minutes=draw(st.sampled_from([-1, 1]))),
        cancel_requested=draw(st.booleans()),
        reason=draw(st.sampled_from(["", "cancelled", "sold_out"])),
    )
    return about, Rows(tuple(calls))


@given(sagas())
@settings(max_examples=500, deadline=None)
def test_a_decision_is_legal_and_makes_progress(case: tuple[SagaRow, Rows]) -> None:
    saga, rows = case

    decision = decide(saga, rows, PLAN, NOW)

    if isinstance(decision, Enter | Close):
        assert decision.state in MOVES[saga.state]
    if isinstance(decision, Sleep):
        assert decision.until > NOW
    if isinstance(decision, Run):
        assert decision.rows
        assert all(row.due(NOW) and not row.live(NOW) for row in decision.rows)


@given(sagas())
@settings(max_examples=500, deadline=None)
def test_a_pivot_whose_outcome_is_open_never_turns_the_saga_back(
    case: tuple[SagaRow, Rows],
) -> None:
    saga, rows = case
    [pivot] = rows.of("capture")
    is_open = pivot.may_have_had_an_effect() and pivot.state is not StepState.REFUSED

    decision = decide(saga, rows, PLAN, NOW)

    if saga.state is SagaState.PIVOTING and is_open:
        assert not isinstance(decision, Enter) or decision.state is SagaState.FINISHING


@given(sagas())
@settings(max_examples=500, deadline=None)
def test_a_saga_completes_only_when_nothing_is_left_to_do(case: tuple[SagaRow, Rows]) -> None:
    saga, rows = case

    decision = decide(saga, rows, PLAN, NOW)

    if decision == Close(SagaState.COMPLETED):
        tail = {"confirm"} if saga.state is SagaState.FINISHING else {s.name for s in PLAN.steps}
        forward = [row for row in rows.all if row.direction is Direction.FORWARD]
        assert all(
            row.state in {StepState.DONE, StepState.ACCEPTED} for row in forward if row.step in tail
        )


@given(sagas())
@settings(max_examples=500, deadline=None)
def test_a_saga_closes_as_taken_back_only_when_every_compensation_is_settled(
    case: tuple[SagaRow, Rows],
) -> None:
    saga, rows = case

    decision = decide(saga, rows, PLAN, NOW)

    if isinstance(decision, Close) and saga.state is SagaState.COMPENSATING:
        backs = [row for row in rows.all if row.direction is Direction.COMPENSATE]
        assert all(row.state in {StepState.DONE, StepState.ACCEPTED} for row in backs)
