"""The judge of the mutants: it counts what mutmut says, and wants a reason for each that was not noticed."""

from collections import Counter

import pytest

from devstack.binaries import PROJECT
from tests.mutants import __main__ as judge
from tests.mutants import breaking
from tests.mutants.parts import PARTS

INBOX = next(part for part in PARTS if part.name == "inbox")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_what_is_broken_and_what_notices_is_there(part):
    assert [name for name in (*part.breaks, *part.tests) if not (PROJECT / name).is_file()] == []


def test_what_became_of_each_mutant_is_read_from_what_mutmut_prints():
    printed = "    eventbus.inbox.x_write__mutmut_1: killed\n    x: y\nnoise\n"

    assert breaking._results(printed) == {"eventbus.inbox.x_write__mutmut_1": "killed"}


@pytest.mark.parametrize(
    ("became", "enough"),
    [
        (["killed"] * 99 + ["timeout"], True),
        (["killed"] * 99 + ["survived"], False),
        (["killed"] * 94 + ["no tests"] * 6, False),
        (["suspicious"] * 100, False),
    ],
    ids=["all noticed", "one without a reason", "too few", "mutmut does not know"],
)
def test_all_but_a_few_have_to_be_noticed_and_those_need_a_reason(became, enough):
    named = {f"eventbus.inbox.x_nothing__mutmut_{n}": what for n, what in enumerate(became)}

    assert judge._judge(INBOX, named) is enough


def test_a_reason_names_the_file_and_the_mutant(monkeypatch, tmp_path):
    monkeypatch.setattr(judge, "REASONS", tmp_path / "mutants.md")
    judge.REASONS.write_text("| `inbox.x_a__mutmut_1` | … | the same |")
    killed = {f"eventbus.inbox.x_b__mutmut_{n}": "killed" for n in range(99)}

    assert judge._judge(INBOX, killed | {"eventbus.inbox.x_a__mutmut_1": "survived"})
    assert not judge._judge(INBOX, killed | {"eventbus.inbox.x_a__mutmut_12": "survived"})
    assert not judge._judge(INBOX, killed | {"eventbus.retries.x_a__mutmut_1": "survived"})


def test_figures_are_counted_by_file(capsys):
    judge._say(judge._figures("eventbus/inbox.py", Counter(all=4, killed=2, timeout=1)))

    said = "eventbus/inbox.py: 4 mutants, 3 noticed (75.0 %), 1 of them by taking too long\n"
    assert capsys.readouterr().out == said
