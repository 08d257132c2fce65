"""The simulation is the engine: the same faults leave the same rows in memory as in PostgreSQL."""

import pytest

from booking.orchestrator.simulation.faults import (
    Fault,
    back,
    lost,
    refuse,
    unanswered,
    unreachable,
)
from booking.orchestrator.simulation.run import simulate
from tests import toy
from tests.integration.booking.test_engine import _clock, run, start, states  # noqa: F401 - the clock is a fixture

pytestmark = pytest.mark.django_db(transaction=True)

Case = tuple[dict[str, list[str]], list[Fault]]

CASES: dict[str, Case] = {
    "nothing goes wrong": ({}, []),
    "the first step is refused": ({"hold": ["no"]}, [refuse("hold")]),
    "a leg is refused": ({"book hotel": ["no"]}, [refuse("book", item="hotel")]),
    "the pivot is refused": ({"capture": ["no"]}, [refuse("capture")]),
    "an answer is lost": ({"authorise": ["unanswered"]}, [unanswered("authorise")]),
    "a request is lost": ({"book flight": ["lost"]}, [lost("book", item="flight")]),
    "a no after a lost request": (
        {"book flight": ["lost", "no"]},
        [lost("book", item="flight"), refuse("book", item="flight")],
    ),
    "a pivot is annulled": ({"capture": ["lost", "no"]}, [lost("capture"), refuse("capture")]),
    "never reached": ({"book hotel": ["unsent"] * 4}, [unreachable("book", item="hotel")]),
    "a compensation is refused": (
        {"capture": ["no"], "back book flight": ["no"]},
        [refuse("capture"), back(refuse("book", item="flight"))],
    ),
    "a local step fails once": ({"confirm": ["lost"]}, [unreachable("confirm", times=1)]),
}


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_memory_and_database_end_alike(case: str) -> None:
    words, faults = CASES[case]
    for call, answers in words.items():
        toy.WORLD.answers[call] = list(answers)

    ending = simulate(toy.TOY, *faults, items=toy.WORLD.legs)
    saga = run(start())

    kinds = [event.kind for event in saga.history.all()]
    assert (ending.state, bool(ending.attention_reason)) == (
        saga.state,
        bool(saga.attention_reason),
    )
    assert {f"{c.direction} {c.step} {c.item}".strip(): c.state for c in ending.calls} == states(
        saga
    )
    assert sorted(entry["kind"] for entry in ending.history) == sorted(kinds)
