"""One seed, one plan."""

import re
from collections import Counter

import pytest

from devstack.binaries import PROJECT
from tests.chaos import plan


def test_the_same_seed_gives_the_same_plan():
    first, second = plan.make(seed=7, seconds=60), plan.make(seed=7, seconds=60)

    assert first == second
    assert first != plan.make(seed=8, seconds=60)


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_is_in_order_and_has_every_fault_as_often_as_its_rate_says(seed):
    faults = plan.make(seed=seed, seconds=120)

    counts = Counter(fault.act for fault in faults)

    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert counts == {act: round(rate * 2) for act, rate in plan.PER_MINUTE.items()}


def test_even_a_short_plan_has_every_fault():
    assert {fault.act for fault in plan.make(seed=1, seconds=5)} == set(plan.PER_MINUTE)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_struck_while_it_is_away(seed):
    back: dict[str, float] = {}
    for fault in plan.make(seed=seed, seconds=120):
        assert fault.at >= back.get(fault.target, 0.0)

        back[fault.target] = fault.at + fault.seconds


def test_a_pause_outlasts_the_lease():
    pauses = [f for f in plan.make(seed=3, seconds=240) if f.act == "pause"]

    assert min(pause.seconds for pause in pauses) > plan.LEASE_SECONDS


def test_the_plan_of_three_runs_of_four_minutes_has_what_is_to_be_reached():
    faults = [fault for seed in (1, 2, 3) for fault in plan.make(seed=seed, seconds=240)]

    assert sum(fault.act in plan.KILLS for fault in faults) >= 500
    assert sum(fault.act in plan.LOSSES for fault in faults) >= 20
    assert sum(fault.act in plan.RESTARTS for fault in faults) >= 10


def test_the_plan_can_be_read():
    fault = plan.Fault(at=12.34, act="outage", target="oldinn", mode="hang", seconds=1.25)

    assert plan.as_text([fault]) == "  12.3 outage oldinn hang (1.2 s)"


def test_the_page_tells_every_fault_and_how_often_it_strikes():
    page = (PROJECT / "docs" / "testing.md").read_text()
    table = page.partition("| fault |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines()[2:]]

    told = {
        act: float(rate)
        for names, rates in rows
        for act, rate in zip(re.findall(r"`([^`]+)`", names), rates.split(","), strict=True)
    }

    assert told == plan.PER_MINUTE
