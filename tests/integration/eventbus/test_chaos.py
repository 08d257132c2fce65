"""The chaos run itself, short: that it runs, and that the bus survives it."""

import re

from tests.architecture.terminal import give


def test_a_short_chaos_run_loses_doubles_and_reorders_nothing():
    said = give(
        "python -m tests.chaos.bus --seed 7 --events 300 --rate 100 --seconds 150 --only-ours"
    )

    assert re.search(r"effects +900\b", said)
    assert re.search(r"kill a (relay|consumer) +[1-9]", said)
