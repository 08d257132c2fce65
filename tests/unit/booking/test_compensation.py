"""How far a saga is taken back, in one word."""

from dataclasses import dataclass

import pytest

from booking.orchestrator.compensation import Compensation, compensation_of
from booking.orchestrator.shape import SagaState


@dataclass
class Row:
    """What is looked at of a call."""

    direction: str
    state: str


def calls(*said: str) -> list[Row]:
    return [Row(*words.split()) for words in said]


@pytest.mark.parametrize(
    ("state", "rows", "word"),
    [
        ("running", ["forward done"], ""),
        ("pivoting", ["forward unknown"], ""),
        ("compensating", ["forward done", "compensate pending"], "compensating"),
        ("compensating", [], "compensating"),
        ("compensating", ["compensate verifying"], "compensating"),
        ("compensating", ["compensate parked", "compensate pending"], "compensation_incomplete"),
        ("compensating", ["compensate done", "compensate refused"], "compensation_incomplete"),
        ("compensating", ["forward refused", "compensate pending"], "compensating"),
        ("failed", ["forward refused"], ""),
        ("failed", ["forward done", "compensate done"], "compensated"),
        ("cancelled", ["compensate done"], "compensated"),
        ("failed", ["compensate done", "compensate accepted"], "loss_accepted"),
        ("cancelled", ["compensate accepted"], "loss_accepted"),
        ("completed", ["forward done"], ""),
        ("completed", ["forward done", "forward accepted"], "loss_accepted"),
    ],
)
def test_taken_back_and_not_quite_taken_back_are_different_words(
    state: str, rows: list[str], word: str
) -> None:
    assert compensation_of(SagaState(state), calls(*rows)) == word


def test_every_word_can_be_said() -> None:
    assert {word.value for word in Compensation} == {
        "", "compensating", "compensation_incomplete", "compensated", "loss_accepted",
    }  # fmt: skip
