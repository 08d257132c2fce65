"""The comparison is as it was measured: what does not depend on the machine is measured again."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config import contexts
from eventbus import catalogue
from sandbox import server
from tests.compare import bullets, page, reading, table
from tests.integration.eventbus.processes import environment

ROOT = reading.ROOT
LONGEST = 120
AGAIN = "run make compare"
FOUND = page.read()
EVIDENCE = sorted({one for bullet in bullets.BULLETS for one in bullet.evidence})


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    """Partners and a card processor in threads of this process."""
    running = server.serve(ledger_path=tmp_path_factory.mktemp("sandbox") / "ledger.sqlite3")
    yield running
    running.shutdown()


@pytest.mark.parametrize("example", ["commanded", "choreographed"])
def test_an_example_has_at_most_120_lines(example: str) -> None:
    assert reading.lines_of_code()[example] <= LONGEST


def test_nothing_of_the_product_imports_an_example() -> None:
    packages = [*contexts.apps_of(list(contexts.CONTEXTS)), *contexts.SHARED_PACKAGES, "config"]

    importing = [
        path
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(from|import) examples\b", path.read_text(), re.M)
    ]

    assert importing == []


def test_the_page_is_what_was_measured() -> None:
    assert page.PAGE.read_text() == page.text(FOUND), AGAIN


@pytest.mark.parametrize(
    "name",
    ["lines_of_code", "places", "files_that_name_crm", "files_for_a_listener"],
)
def test_what_is_measured_by_reading_is_still_so(name: str) -> None:
    assert getattr(reading, name)() == FOUND[f"reading.{name}"], AGAIN


def test_what_is_measured_by_running_is_still_so(
    transactional_db: None, sandbox: server.Server
) -> None:
    names = ["signups.survival", "signups.crashes", "trips.statements", "trips.questions"]
    names += ["trips.stories", "trips.turning_back"]

    found = _measured(names, sandbox)

    assert found == {name: FOUND[name] for name in names}, AGAIN


def test_what_a_crash_leaves_is_among_what_the_page_says(
    transactional_db: None, sandbox: server.Server
) -> None:
    """At every sixteenth place: all of them take minutes."""
    names = ["trips.crashes", "trips.crashes_without_keys"]

    found = _measured(names, sandbox, {name: {"every": 16} for name in names})

    for name in names:
        for way, crashed in found[name].items():
            assert crashed["tried"] > 1
            assert set(crashed["left"]) <= set(FOUND[name][way]["left"]), AGAIN


def _measured(
    names: list[str], sandbox: server.Server, options: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Measure in a process of its own, on the test's database: the losers are declared nowhere else."""
    env = environment(
        DJANGO_SETTINGS_MODULE="examples.comparison.settings",
        DJANGO_ALLOWED_HOSTS="127.0.0.1,testserver",
        SANDBOX_URL=sandbox.url,
        STRIPE_API_BASE=sandbox.url,
        REDIS_URL=settings.REDIS_URL,
        API_RATE_FACTOR="1000",
        LOG_LEVEL="CRITICAL",
    )
    command = [sys.executable, "-m", "tests.compare.inside", json.dumps(options or {}), *names]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_what_varies_is_marked_and_nothing_else() -> None:
    marked = re.findall(r"^\| ([^|]+) \*\(varies\)\* \|", page.PAGE.read_text(), re.M)

    assert marked == [row.question for row in table.rows(FOUND) if not row.stable]
    assert all("milliseconds" in one or "the same just behind" in one for one in marked)


def test_each_of_the_26_bullets_has_something_that_shows_it() -> None:
    assert len(bullets.BULLETS) == 26
    assert all(bullet.evidence for bullet in bullets.BULLETS)


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_what_shows_a_bullet_exists(evidence: str) -> None:
    questions = {row.question for row in table.rows(FOUND)}

    if evidence.startswith("cell:"):
        assert evidence.removeprefix("cell:") in questions
    else:
        assert _names_a_test(evidence), evidence


def _names_a_test(evidence: str) -> bool:
    """Whether a file has a test of this name; without a name, whether it has any."""
    path, *names = evidence.split("::")
    found = (ROOT / path).is_file() and ast.parse((ROOT / path).read_text())
    for name in names:
        found = next(
            (one for one in getattr(found, "body", []) if getattr(one, "name", "") == name), None
        )
    return bool(found) and ("def test_" in ast.unparse(found))


def test_the_commanding_booking_knows_the_words_of_crm() -> None:
    said = (reading.EXAMPLES / "commanded" / "booking_side.py").read_text()
    expected = (reading.EXAMPLES / "commanded" / "crm_side.py").read_text()
    fields = re.findall(r"^    (\w+): ", expected, re.M)

    assert len(fields) == 5
    assert all(f'"{field}":' in said for field in fields)


def test_reservation_speaks_of_nothing_but_reservations() -> None:
    words = {
        word.lower()
        for path in (ROOT / "reservation").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for word in re.findall("[A-Z]?[a-z]+", str(getattr(node, "id", getattr(node, "attr", ""))))
    }

    assert "reservation" in words
    assert not words & {"gateway", "partner", "payment", "payments", "saga", "card", "crm"}


def test_only_the_table_puts_calls_in_sequence() -> None:
    operations = {
        f"{service}.{name}"
        for service, names in {
            "reservation": ["Hold", "Confirm"],
            "payments": ["Authorise", "Capture"],
            "providers": ["Book"],
        }.items()
        for name in names
    }

    users = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "booking").rglob("*.py")
        if operations
        & {
            ast.unparse(n)
            for n in ast.walk(ast.parse(path.read_text()))
            if isinstance(n, ast.Attribute)
        }
    }

    assert users == {"booking/sagas.py"}


def test_every_service_publishes_and_crm_hears_each_of_them() -> None:
    entries = catalogue.collect()

    heard = {entry.event_type.app for entry in entries if entry.handlers}

    assert heard >= {"reservation", "providers", "payments"}


def test_the_crash_of_a_worker_doubles_a_booking_of_the_loser_only() -> None:
    """With a hotel that knows no keys; otherwise both recover."""
    assert set(FOUND["trips.crashes_without_keys"]["orchestrated"]["left"]) == {table.WHOLE}
    assert set(FOUND["trips.crashes"]["orchestrated"]["left"]) == {table.WHOLE}
    assert set(FOUND["trips.crashes"]["choreographed"]["left"]) == {table.WHOLE}
    assert set(FOUND["trips.crashes_without_keys"]["choreographed"]["left"]) > {table.WHOLE}


def test_a_table_for_the_terminal_has_the_same_rows() -> None:
    lines = table.rows(FOUND)

    text = table.as_text(lines)

    assert all(row.question in text and row.winner in text for row in lines)
    assert Path(page.PAGE).read_text().count("\n| ") >= len(lines)
