"""A table that changed gets a new version: noticed by comparing it with docs/sagas.lock.json."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from booking.management.saga import lock as command
from booking.orchestrator import plan, versions
from booking.orchestrator.plan import Link, Pivot, Retry, Saga, Step
from booking.sagas import CANCEL_RESERVATION, CONFIRM_RESERVATION
from tests.toy import Local, LocalBack, No, Remote, TakeBack


@pytest.fixture(autouse=True)
def _forget_what_was_declared() -> Iterator[None]:
    known = dict(plan.REGISTRY)
    yield
    plan.REGISTRY.clear()
    plan.REGISTRY.update(known)


def closing(**about: Any) -> None:
    """Close nothing."""


def other(**about: Any) -> None:
    """Close nothing, elsewhere."""


HOLD = Step("hold", Local, compensate=LocalBack)
BOOK = Step("book", Remote, compensate=TakeBack, refused_by=No)
PAY = Pivot("pay", Remote, annulled_by=TakeBack)


def trip(*links: Link, **changes: Any) -> Saga:
    fields: dict[str, Any] = {
        "version": 1,
        "subject": "trip_id",
        "deadline": 900,
        "links": list(links) or [Link("first", HOLD, BOOK), Link("second", PAY)],
        "failed": closing,
        "cancelled": closing,
    }
    return Saga("trip", **{**fields, **changes})


@pytest.fixture
def locked() -> versions.Lock:
    return versions.lock([trip()], {})


def test_the_flows_of_this_project_are_what_their_versions_were_locked_as() -> None:
    locked = json.loads(command.PATH.read_text())

    drifts = versions.drifts([CONFIRM_RESERVATION, CANCEL_RESERVATION], locked)

    assert drifts == []


def test_the_same_table_has_the_same_hash_wherever_it_is_declared(locked: versions.Lock) -> None:
    assert versions.drifts([trip()], locked) == []


CHANGES = {
    "a step was renamed": [Link("first", replace(HOLD, name="keep"), BOOK), Link("second", PAY)],
    "a step was added": [Link("first", HOLD, BOOK, replace(HOLD, name="more")), Link("second", PAY)],
    "a step is gone": [Link("first", HOLD), Link("second", PAY)],
    "steps changed places": [Link("first", BOOK, HOLD), Link("second", PAY)],
    "a step moved to another link": [Link("first", HOLD), Link("second", BOOK, PAY)],
    "a link was renamed": [Link("start", HOLD, BOOK), Link("second", PAY)],
    "another compensation": [Link("first", HOLD, replace(BOOK, compensate=LocalBack)), Link("second", PAY)],
    "another refusal": [Link("first", HOLD, replace(BOOK, refused_by=(No, ValueError))), Link("second", PAY)],
    "each": [Link("first", HOLD, replace(BOOK, each=closing)), Link("second", PAY)],
    "no annulment": [Link("first", HOLD, BOOK), Link("second", replace(PAY, annulled_by=None))],
    "no pivot": [Link("first", HOLD, BOOK), Link("second", replace(BOOK, name="pay"))],
    "more attempts": [Link("first", HOLD, replace(BOOK, retry=Retry(attempts=9))), Link("second", PAY)],
    "another cap": [Link("first", HOLD, replace(BOOK, retry=Retry(cap=61))), Link("second", PAY)],
    "other retries": [Link("first", HOLD, replace(BOOK, retry=Retry(on=(OSError,)))), Link("second", PAY)],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=list(CHANGES))
def test_a_changed_table_must_get_a_new_version(locked: versions.Lock, change: str) -> None:
    [drift] = versions.drifts([trip(*CHANGES[change], deadline=9000)], locked)

    assert "set version=2 at tests/unit/booking/test_versions.py:" in drift.message
    assert "manage.py saga lock" in drift.message
    assert drift.changed


@pytest.mark.parametrize("change", [{"deadline": 901}, {"failed": other}, {"cancelled": other}])
def test_so_must_a_changed_head(locked: versions.Lock, change: dict[str, Any]) -> None:
    [drift] = versions.drifts([trip(**change)], locked)

    assert [line[0] for line in drift.changed] == ["-", "+"]


def test_swapped_lines_are_told_as_such(locked: versions.Lock) -> None:
    [drift] = versions.drifts([trip(*CHANGES["steps changed places"])], locked)

    assert drift.changed == ["  the order of its lines"]


def test_numbers_of_the_deployment_are_no_change(locked: versions.Lock) -> None:
    same = Link("first", HOLD, replace(BOOK, retry=Retry(first=0.1)))

    assert versions.drifts([trip(same, Link("second", PAY))], locked) == []


def test_a_new_version_must_be_locked_and_the_old_one_stays(locked: versions.Lock) -> None:
    newer = trip(*CHANGES["a step is gone"], version=2)
    [drift] = versions.drifts([newer], locked)
    assert drift.message == "trip: version 2 is not in the lock file yet: run manage.py saga lock"

    both = versions.lock([newer], locked)

    assert versions.drifts([newer], both) == []
    assert both["trip"]["1"] == locked["trip"]["1"]


def test_a_locked_version_is_not_overwritten_unless_it_was_never_deployed(
    locked: versions.Lock,
) -> None:
    changed = trip(*CHANGES["a step is gone"])
    with pytest.raises(versions.VersionTaken, match=r"(?s)set version=2 .*- first / before / book"):
        versions.lock([changed], locked)

    replaced = versions.lock([changed], locked, replace=True)

    assert versions.drifts([changed], replaced) == []


def test_the_command_compares_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "PATH", tmp_path / "lock.json")
    with pytest.raises(SystemExit, match="1"):
        call_command("saga", "lock", "--check")
    assert "confirm-reservation: version 1 is not in the lock file" in capsys.readouterr().out

    call_command("saga", "lock")

    call_command("saga", "lock", "--check", "--json")
    assert capsys.readouterr().out.endswith("[]\n")


def test_the_command_does_not_overwrite_a_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PATH", tmp_path / "lock.json")
    forged = versions.lock([CONFIRM_RESERVATION], {})
    forged["confirm-reservation"]["1"] |= {"hash": "0" * 16, "table": ["something else"]}
    command.PATH.write_text(versions.as_text(forged))

    with pytest.raises(CommandError, match="saga_version_taken"):
        call_command("saga", "lock")

    assert json.loads(command.PATH.read_text()) == forged
