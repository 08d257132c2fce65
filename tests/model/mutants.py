"""Seeded bugs of the algorithm, one each: the model must see every one of them.

The list is that of the research that the design stands on, and what the design added to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from booking.orchestrator import decide as real
from booking.orchestrator.decide import Decision, Enter, Park, Run, Sleep
from booking.orchestrator.shape import Direction, Rows, SagaState, StepState


@dataclass(frozen=True)
class Mutant:
    """A bug: switches of the likeness, or another `decide`."""

    name: str
    switches: frozenset[str] = frozenset()
    decide: Callable[..., Decision] = real.decide


NONE: Final = Mutant("none")


def _cancels_while_capturing(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    if saga.state is SagaState.PIVOTING and saga.cancel_requested:
        return Enter(SagaState.COMPENSATING, "cancelled")
    return real.decide(saga, rows, plan, now)


def _captures_early(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    decision = real.decide(saga, rows, plan, now)
    booked = [row for row in rows.of("book") if row.state is StepState.DONE]
    if saga.state is SagaState.RUNNING and isinstance(decision, Run | Sleep) and booked:
        return Enter(SagaState.PIVOTING)
    return decision


def _unknown_pivot_turns_back(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    unknown = any(row.state is StepState.UNKNOWN for row in rows.of("capture"))
    if saga.state is SagaState.PIVOTING and unknown:
        return Enter(SagaState.COMPENSATING, "unknown")
    return real.decide(saga, rows, plan, now)


def _no_annulment(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    decision = real.decide(saga, rows, plan, now)
    if isinstance(decision, real.Annul):
        return Enter(SagaState.COMPENSATING, "refused")
    return decision


def _ignores_leases(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    decision = real.decide(saga, rows, plan, now)
    live = [row for row in rows.all if row.live(now) and row.direction is Direction.FORWARD]
    turns = saga.cancel_requested or any(row.state is StepState.REFUSED for row in rows.all)
    if saga.state is SagaState.RUNNING and isinstance(decision, Sleep) and live and turns:
        return Enter(SagaState.COMPENSATING, "refused")
    return decision


def _first_failure_stops_the_rest(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    parked = [
        row
        for row in rows.all
        if row.direction is Direction.COMPENSATE
        and row.state in {StepState.PARKED, StepState.REFUSED}
    ]
    if saga.state is SagaState.COMPENSATING and parked:
        return real.Close(SagaState.FAILED)
    return real.decide(saga, rows, plan, now)


def _half_done_goes_on(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    decision = real.decide(saga, rows, plan, now)
    if isinstance(decision, Park) and decision.reason.startswith("half done"):
        return Enter(SagaState.FINISHING)
    return decision


def _half_done_turns_back(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    decision = real.decide(saga, rows, plan, now)
    if isinstance(decision, Park) and decision.reason.startswith("half done"):
        return Enter(SagaState.COMPENSATING, "refused")
    return decision


def _completes_without_the_tail(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    if saga.state is SagaState.FINISHING:
        return real.Close(SagaState.COMPLETED)
    return real.decide(saga, rows, plan, now)


def _resends_the_unaskable(saga: Any, rows: Rows, plan: Any, now: Any) -> Decision:
    decision = real.decide(saga, rows, plan, now)
    if isinstance(decision, Park) and "cannot be asked" in decision.reason:
        for row in rows.of("book"):
            if row.due(now):
                row.state, row.ambiguous = StepState.PENDING, False  # type: ignore[misc]
        return real.decide(saga, rows, plan, now)
    return decision


_SWITCHES: Final = (
    "new_key_on_retry",
    "timeout_is_failure",
    "compensates_only_done",
    "skips_the_refused_step",
    "no_intent",
    "no_sticky",
    "gives_up",
    "no_fence",
    "no_fence_out",
    "no_verify",
    "blind_retry",
    "no_resend_quiet",
    "no_lease",
    "no_deadline",
    "new_key_too_early",
    "changes_unspent_keys",
    "quiet_when_recorded",
    "not_due_again",
    "two_sagas",
    "lying_answer",
)
MUTANTS: Final = {
    **{name: Mutant(name, frozenset({name})) for name in _SWITCHES},
    **{
        mutant.name: mutant
        for mutant in (
            Mutant(
                "cancel_during_capture",
                frozenset({"cancel_during_capture"}),
                _cancels_while_capturing,
            ),
            Mutant("captures_early", decide=_captures_early),
            Mutant("unknown_pivot_turns_back", decide=_unknown_pivot_turns_back),
            Mutant("no_annulment", decide=_no_annulment),
            Mutant("no_lease_wait", decide=_ignores_leases),
            Mutant("first_failure_stops_the_rest", decide=_first_failure_stops_the_rest),
            Mutant("half_done_goes_on", decide=_half_done_goes_on),
            Mutant("half_done_turns_back", decide=_half_done_turns_back),
            Mutant("completes_without_the_tail", decide=_completes_without_the_tail),
            Mutant("resends_the_unaskable", decide=_resends_the_unaskable),
        )
    },
}
