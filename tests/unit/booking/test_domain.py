"""The table of cancelling: complete, and the same in the documentation."""

import re
from pathlib import Path

import pytest

from booking import domain
from booking.domain import ON_CANCEL, Effect, Stage
from booking.orchestrator.shape import FINAL, SagaState

ARCHITECTURE = Path(__file__).resolve().parents[3] / "docs" / "architecture.md"


def test_every_stage_has_its_line_in_the_code_and_in_the_documentation() -> None:
    section = ARCHITECTURE.read_text().partition("### 3.8 ")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `([a-z]+)`[^|]*\| \*([a-z ]+)\*", section, re.M))

    assert set(ON_CANCEL) == set(Stage)
    assert told == {stage.value: effect.value for stage, effect in ON_CANCEL.items()}


@pytest.mark.parametrize("state", sorted(set(SagaState) - FINAL))
def test_while_a_flow_is_booking_its_state_is_the_stage(state: SagaState) -> None:
    assert domain.stage(status="held", booking=state, cancelling=False).value == state


@pytest.mark.parametrize("status", ["confirmed", "cancelling"])
def test_while_a_flow_is_cancelling_nothing_else_counts(status: str) -> None:
    assert domain.stage(status=status, booking=None, cancelling=True) is Stage.CANCELLING


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("draft", Stage.DRAFT),
        ("confirmed", Stage.CONFIRMED),
        ("failed", Stage.FAILED),
        ("cancelled", Stage.CANCELLED),
        ("confirming", Stage.RUNNING),  # its flow has just begun, or ended
        ("held", Stage.RUNNING),
    ],
)
def test_without_a_flow_the_status_is_the_stage(status: str, stage: Stage) -> None:
    assert domain.stage(status=status, booking=None, cancelling=False) is stage


def test_only_a_trip_about_to_be_confirmed_makes_the_traveller_ask_again() -> None:
    late = {stage for stage, effect in ON_CANCEL.items() if effect is Effect.TOO_LATE}

    assert late == {Stage.PIVOTING, Stage.FINISHING}
