"""The model has teeth: every seeded bug breaks an invariant somewhere."""

import pytest

from tests.model.explore import at_random, exhaustively, replayed
from tests.model.mutants import MUTANTS
from tests.model.teeth import AT_RANDOM, EXHAUSTIVE, REPLAYED


def test_every_seeded_bug_has_a_place_where_it_must_show() -> None:
    assert {*EXHAUSTIVE, *AT_RANDOM, *REPLAYED} == set(MUTANTS)


@pytest.mark.parametrize("name", EXHAUSTIVE)
def test_a_seeded_bug_breaks_an_invariant(name: str) -> None:
    report = exhaustively(EXHAUSTIVE[name], mutant=MUTANTS[name], first=True)

    assert report.found


@pytest.mark.parametrize("name", AT_RANDOM)
def test_a_seeded_bug_breaks_an_invariant_where_several_workers_meet(name: str) -> None:
    setting, seeds = AT_RANDOM[name]

    report = at_random(setting, mutant=MUTANTS[name], seeds=seeds)

    assert report.found


@pytest.mark.parametrize("name", REPLAYED)
def test_a_seeded_bug_breaks_an_invariant_on_one_rare_way(name: str) -> None:
    setting, choices = REPLAYED[name]

    assert not replayed(setting, choices).found
    assert replayed(setting, choices, mutant=MUTANTS[name]).found
