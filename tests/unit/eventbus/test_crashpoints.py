"""The crash harness is armed by the environment, in development only, and only with a known name."""

import re
from pathlib import Path

import pytest
from django.conf import settings as configured

from eventbus import crashpoints


@pytest.fixture
def killed(monkeypatch):
    """Signals sent instead of being received."""
    sent: list[int] = []
    monkeypatch.setattr("os.kill", lambda pid, number: sent.append(number))
    yield sent
    crashpoints._left.clear()


def arm(monkeypatch, settings, wanted: str, *, debug: bool = True) -> None:
    settings.DEBUG = debug
    monkeypatch.setenv(crashpoints.VARIABLE, wanted)
    crashpoints.arm()


def test_a_process_dies_at_the_nth_time(monkeypatch, settings, killed):
    arm(monkeypatch, settings, "relay.numbered:3")

    for _ in range(2):
        crashpoints.reached("relay.numbered")
    crashpoints.reached("relay.appended")
    survived = list(killed)
    crashpoints.reached("relay.numbered")

    assert (survived, killed) == ([], [9])


def test_production_never_dies(monkeypatch, settings, killed):
    arm(monkeypatch, settings, "relay.numbered:1", debug=False)

    crashpoints.reached("relay.numbered")

    assert killed == []


@pytest.mark.parametrize("wanted", ["nowhere:1", "relay.numbered", "relay.numbered:soon"])
def test_a_misspelt_point_is_refused(monkeypatch, settings, killed, wanted):
    with pytest.raises(crashpoints.CrashPointUnknown):
        arm(monkeypatch, settings, wanted)


def test_the_named_points_are_those_in_the_code():
    sources = (path.read_text() for path in (Path(configured.BASE_DIR) / "eventbus").glob("*.py"))
    used = [name for text in sources for name in re.findall(r'reached\("([a-z.]+)"\)', text)]

    assert sorted(used) == sorted(crashpoints.POINTS)
