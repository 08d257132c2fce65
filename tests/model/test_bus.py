"""The bus, in every state that it can reach."""

import pytest

from tests.model.bus import BUGS, BusSetting, visit


@pytest.mark.parametrize(
    "setting",
    [BusSetting(relays=1, crashes=1, losses=1), BusSetting(relays=1, failures=2, losses=1)],
    ids=["a death and a loss of Redis", "two failures and a loss of Redis"],
)
def test_every_event_takes_effect_once_and_in_its_keys_order(setting: BusSetting) -> None:
    visited = visit(setting)

    assert not visited.violation, "\n".join(visited.trace)
    assert visited.states > 1000


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_bug_of_the_bus_is_seen(bug: str) -> None:
    assert visit(BUGS[bug], bug=bug).violation
