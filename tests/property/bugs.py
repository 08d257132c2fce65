"""Bugs to be put into the engine, one at a time: the state machine must see each."""

from collections.abc import Callable
from typing import Any, Final

from booking.orchestrator import calls, control, operations, record
from booking.orchestrator.calls import Claim, Failed, Outcome, Phase, Refused
from booking.orchestrator.shape import StepRow, StepState
from outbound.call import Refusal

Patch = tuple[Any, str, Any]


def _time_out_is_a_no() -> Patch:
    real = calls.outcome_of

    def outcome_of(claim: Claim) -> Outcome:
        outcome = real(claim)
        lost = isinstance(outcome, Failed) and outcome.sent
        return Refused(Refusal("no answer")) if lost else outcome

    return calls, "outcome_of", outcome_of


def _never_asks() -> Patch:
    def phase_of(call: StepRow) -> Phase:
        return Phase.VERIFY if call.state is StepState.VERIFYING else Phase.SEND

    return operations, "phase_of", phase_of


def _takes_back_only_what_is_done() -> Patch:
    def done(self: StepRow) -> bool:
        return self.state is StepState.DONE

    return StepRow, "may_have_had_an_effect", done


def _believes_a_sleeper() -> Patch:
    return record, "is_awaited", lambda work, claim: True


def _takes_back_without_looking_again() -> Patch:
    return record, "_needs_verifying", lambda work, call: False


def _says_yes_too_late() -> Patch:
    real = control.request_cancel

    def request_cancel(**asked: Any) -> Any:
        try:
            return real(**asked)
        except control.TooLate:
            return None

    return control, "request_cancel", request_cancel


BUGS: Final[dict[str, Callable[[], Patch]]] = {
    "a time-out is a no": _time_out_is_a_no,
    "never asks before it sends again": _never_asks,
    "takes back only what is done": _takes_back_only_what_is_done,
    "believes a sleeper": _believes_a_sleeper,
    "takes back without looking again": _takes_back_without_looking_again,
    "says yes when it is too late": _says_yes_too_late,
}
"""What is wrong -> what to put in its place."""
