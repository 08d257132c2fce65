"""A part of the crash campaign with every `make test`; `make crash` runs it whole."""

import re

from tests.architecture.terminal import give

BY_MAKE = 2
"""What `make` ends with when the harness ends with 1."""


def test_a_quick_campaign_finds_nothing() -> None:
    said = give("make crash ARGS=--quick")

    [passed] = re.findall(r"^(\d+) passed, 0 failed", said, re.MULTILINE)
    assert int(passed) >= 40
    assert re.search(r"^kill +\d\d cases of \d+ of 2 stories$", said, re.MULTILINE)
    assert re.search(r"^teeth +3 cases", said, re.MULTILINE)


def test_a_case_is_repeated_by_its_name_and_says_what_is_violated() -> None:
    said = give(
        'make crash ARGS="--case hotel-sold-out/kill@57:kept'
        ' --case compensation-gives-up!cancel-fails-once/none"',
        status=BY_MAKE,
    )

    assert "I3 failed, and 1 bookings stand" in said
    assert re.search(r"^1 passed, 1 failed", said, re.MULTILINE)
