"""What a saga does next, as one pure function of its rows, its plan and the time.

The order of the rules matters and is the one of the design, 3.2 and 3.3. Nothing here reads a clock, a
database or a framework, so every rule is tested by table (tests/unit/booking/test_decide.py).
"""

from dataclasses import dataclass
from datetime import datetime

from booking.orchestrator.shape import (
    FINAL,
    NOT_RETRIED,
    OVER,
    SETTLED,
    TIMED_OUT,
    Direction,
    Kind,
    Rows,
    SagaRow,
    SagaState,
    Shape,
    StepRow,
    StepShape,
    StepState,
)


@dataclass(frozen=True)
class Run:
    """Claim these calls and make them; they belong to `link`."""

    link: str
    rows: tuple[StepRow, ...]


@dataclass(frozen=True)
class Enter:
    """Move to another live state; `reason` is why the saga turns back."""

    state: SagaState
    reason: str = ""


@dataclass(frozen=True)
class Sleep:
    """Nothing to do before `until`."""

    until: datetime


@dataclass(frozen=True)
class Park:
    """A person must act; `reason` says on what."""

    reason: str


@dataclass(frozen=True)
class Close:
    """The saga is over."""

    state: SagaState


@dataclass(frozen=True)
class Annul:
    """Cancel at the other side, so that the pivot's "no" counts."""

    step: str


@dataclass(frozen=True)
class GiveUp:
    """These compensations are not made again: a person must settle them; the others go on."""

    rows: tuple[StepRow, ...]
    reason: str = "retries_exhausted"


@dataclass(frozen=True)
class Nothing:
    """The saga is over, or waits for a person."""


Decision = Run | Enter | Sleep | Park | Close | Annul | GiveUp | Nothing


def decide(saga: SagaRow, rows: Rows, plan: Shape, now: datetime) -> Decision:
    """Return what to do next with a saga."""
    if saga.state in FINAL or saga.parked:
        return Nothing()
    if saga.state is SagaState.RUNNING:
        return _running(saga, rows, plan, now)
    if saga.state is SagaState.PIVOTING:
        return _pivoting(saga, rows, plan, now)
    if saga.state is SagaState.FINISHING:
        return _finishing(rows, plan, now)
    return _compensating(saga, rows, plan, now)


def _running(saga: SagaRow, rows: Rows, plan: Shape, now: datetime) -> Decision:
    """Before the pivot: settle what is in flight, then turn back, go on or wait."""
    current = next((step for step in plan.steps if _unfinished(rows.of(step.name))), None)
    if current is None:
        return Close(SagaState.COMPLETED)
    calls = rows.of(current.name)
    settling = [row for row in calls if row.live(now)]
    if reason := _turns_back(saga, current, calls, now):
        return (
            Sleep(min(row.wakes_at(now) for row in settling))
            if settling
            else Enter(SagaState.COMPENSATING, reason)
        )
    if lost := _lost(calls, now):
        return _ask_a_person(lost)
    due = tuple(row for row in calls if row.due(now))
    if not due:
        wakes = [row.wakes_at(now) for row in calls if row.state is not StepState.DONE]
        return Sleep(min(*wakes, saga.deadline_at))
    if current.kind is Kind.PIVOT:
        return Enter(SagaState.PIVOTING)
    return Run(current.link, due)


def _turns_back(saga: SagaRow, step: StepShape, calls: list[StepRow], now: datetime) -> str:
    """Return the code of the reason to compensate, or the empty string."""
    if saga.cancel_requested:
        return "cancelled"
    if refused := [row for row in calls if row.state is StepState.REFUSED]:
        return refused[0].reason or "refused"
    if now >= saga.deadline_at:
        return "deadline_passed"
    if any(row.state is StepState.WAITING and row.reason == TIMED_OUT for row in calls):
        return TIMED_OUT
    if worn := [row for row in calls if row.worn(step.attempts) and row.due(now)]:
        return NOT_RETRIED if worn[0].reason == NOT_RETRIED else "retries_exhausted"
    return ""


def _pivoting(saga: SagaRow, rows: Rows, plan: Shape, now: datetime) -> Decision:
    """At the pivot: unknown never compensates; the first call that is done decides that the flow goes on."""
    pivot = next(step for step in plan.steps if step.kind is Kind.PIVOT)
    calls = rows.of(pivot.name)
    open_calls = [row for row in calls if row.state not in SETTLED]
    untouched = all(row.state is StepState.PENDING and not row.ambiguous for row in calls)
    if untouched and now >= saga.deadline_at:
        return Enter(SagaState.COMPENSATING, "deadline_passed")
    lost = _lost(open_calls, now)
    due = tuple(row for row in open_calls if row.due(now) and row not in lost)
    if worn := [row for row in due if row.worn(pivot.attempts) and not _just_lost(row)]:
        return _pivot_worn(worn[0], calls)
    if due:
        return Run(pivot.link, due)
    if wakes := [row.wakes_at(now) for row in open_calls if row not in lost]:
        return Sleep(min(wakes))
    if lost:
        return _ask_a_person(lost)
    refused = [row for row in calls if row.state is StepState.REFUSED]
    if not refused:
        return Enter(SagaState.FINISHING)
    if len(refused) < len(calls):
        return Park("half done: " + ", ".join(_label(row) for row in refused))
    doubtful = next((row for row in refused if row.ambiguous), refused[0])
    return _pivot_refused(pivot, doubtful, rows, now)


def _pivot_worn(row: StepRow, calls: list[StepRow]) -> Decision:
    if any(call.may_have_had_an_effect() for call in calls):
        what = "outcome unknown" if row.may_have_had_an_effect() else "never arrived"
        return Park(f"{_label(row, what)} after {row.tries} tries")
    reason = NOT_RETRIED if row.reason == NOT_RETRIED else "retries_exhausted"
    return Enter(SagaState.COMPENSATING, reason)


def _just_lost(row: StepRow) -> bool:
    """Whether the worker of the last try went silent: that try must be asked about before giving up."""
    return row.state is StepState.CLAIMED and not row.ambiguous


def _pivot_refused(pivot: StepShape, row: StepRow, rows: Rows, now: datetime) -> Decision:
    if not row.ambiguous:
        return Enter(SagaState.COMPENSATING, row.reason or "refused")
    if not pivot.annulled:
        return Park(f"{pivot.name}: refused after an unanswered call, and nothing can annul it")
    annulments = rows.of(pivot.name, Direction.ANNUL)
    if not annulments:
        return Annul(pivot.name)
    [annulment] = annulments
    if annulment.state in OVER:
        return Enter(SagaState.COMPENSATING, row.reason or "refused")
    if annulment.state in {StepState.REFUSED, StepState.PARKED}:
        return Park(f"{pivot.name}: refused, but could not be annulled: {annulment.reason}")
    if annulment.due(now) and annulment.worn(pivot.attempts):
        return Park(f"{pivot.name}: could not be annulled after {annulment.tries} tries")
    if annulment.due(now):
        return Run(pivot.link, (annulment,))
    return Sleep(annulment.wakes_at(now))


def _finishing(rows: Rows, plan: Shape, now: datetime) -> Decision:
    """After the pivot: retried until done; a "no" here needs a person."""
    for step in plan.steps:
        calls = [row for row in rows.of(step.name) if row.state not in OVER]
        if step.kind is not Kind.AFTER or not calls:
            continue
        if refused := [row for row in calls if row.state is StepState.REFUSED]:
            return Park(f"{step.name}: refused after the pivot ({refused[0].reason})")
        if lost := _lost(calls, now):
            return _ask_a_person(lost)
        due = tuple(row for row in calls if row.due(now))
        if worn := [row for row in due if row.worn(step.attempts)]:
            return Park(f"{step.name}: failed {worn[0].tries} times after the pivot")
        return Run(step.link, due) if due else Sleep(min(row.wakes_at(now) for row in calls))
    return Close(SagaState.COMPLETED)


def _compensating(saga: SagaRow, rows: Rows, plan: Shape, now: datetime) -> Decision:
    """Take everything back in reverse; a compensation that fails does not stop the others."""
    wakes: list[datetime] = []
    parked: list[StepRow] = []
    for step in reversed(plan.steps):
        calls = rows.of(step.name, Direction.COMPENSATE)
        if live := [row for row in calls if row.live(now)]:
            return Sleep(min(row.wakes_at(now) for row in live))
        if lost := _lost(calls, now):
            return GiveUp(tuple(lost), "outcome_unknown")
        due = tuple(row for row in calls if row.due(now))
        if worn := tuple(row for row in due if row.worn(step.attempts)):
            return GiveUp(worn)
        if due:
            return Run(step.link, due)
        wakes += [row.wakes_at(now) for row in calls if row.state not in SETTLED]
        parked += [row for row in calls if row.state in {StepState.PARKED, StepState.REFUSED}]
    if wakes:
        return Sleep(min(wakes))
    if parked:
        return Park("compensation incomplete: " + ", ".join(_label(row) for row in parked))
    return Close(SagaState.CANCELLED if saga.reason == "cancelled" else SagaState.FAILED)


def _lost(calls: list[StepRow], now: datetime) -> list[StepRow]:
    """Return the unanswered calls to a partner of class D: to ask is in vain, to repeat is to do it twice."""
    unanswered = {StepState.CLAIMED, StepState.UNKNOWN}
    return [
        row
        for row in calls
        if row.never_resend and row.due(now) and (row.ambiguous or row.state in unanswered)
    ]


def _ask_a_person(lost: list[StepRow]) -> Park:
    [row, *_] = lost
    return Park(f"{row.step}: outcome unknown and the partner cannot be asked ({row.item})")


def _unfinished(calls: list[StepRow]) -> bool:
    return any(row.state is not StepState.DONE for row in calls)


def _label(row: StepRow, what: str = "") -> str:
    return f"{row.step}{f' {row.item}' if row.item else ''} ({what or row.reason or 'failed'})"
