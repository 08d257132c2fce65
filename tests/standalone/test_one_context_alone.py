"""The start-up proof of the boundary: each context starts, migrates and works without the other."""

import re
import signal
import time

from django.apps import apps

from config import contexts
from tests.standalone.conftest import Alone

TESTS = {
    "crm": ["tests/unit/crm", "tests/integration/crm"],
    "booking": [
        "tests/unit/booking",
        "tests/integration/booking/test_engine.py",
        # Thousands of examples of one pure function: which apps are installed is nothing to it.
        "--ignore=tests/unit/booking/test_decide_properties.py",
    ],
}
ON_THE_BUS = {"crm": ["consume", "crm"], "booking": ["relay"]}
FACES = {"booking": (True, False), "crm": (False, True)}
LANGUAGE = {
    "crm": {
        *contexts.CONTEXTS["booking"],
        *(f"{app}.events" for app in contexts.CONTEXTS["booking"]),
    },
    "booking": set(),
}
"""The modules of the other context that are loaded: the published language, which is plain Python."""


def test_its_processes_start(alone: Alone) -> None:
    done = alone.manage("check", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr
    assert alone.found["ready"] == 200


def test_the_other_context_is_not_installed(alone: Alone) -> None:
    installed = alone.found["apps"]

    assert installed == [*contexts.SHARED, *contexts.CONTEXTS[alone.context]]


def test_the_other_context_is_not_loaded_but_for_its_published_language(alone: Alone) -> None:
    foreign = contexts.CONTEXTS[alone.other]

    loaded = {name for name in alone.found["modules"] if name.partition(".")[0] in foreign}

    assert loaded == LANGUAGE[alone.context]


def test_its_database_has_its_own_tables_and_none_of_the_other_s(alone: Alone) -> None:
    tables = set(alone.found["tables"])

    assert _tables_of(alone.context) <= tables
    assert not _tables_of(alone.other) & tables


def test_its_migrations_are_complete_without_the_other(alone: Alone) -> None:
    done = alone.manage("makemigrations", "--check", "--dry-run")

    assert done.returncode == 0, done.stdout + done.stderr


def test_it_serves_its_own_interface_only(alone: Alone) -> None:
    documented = {path.split("/")[3] for path in alone.found["documented"]}

    assert alone.found["answers"] == {alone.context: 401, alone.other: 404}
    assert ("reservations" in documented, "crm" in documented) == FACES[alone.context]


def test_its_workers_know_its_own_tasks_only(alone: Alone) -> None:
    assert {name.partition(".")[0] for name in alone.found["tasks"]} == {alone.context}


def test_its_process_on_the_bus_runs_and_ends_when_asked(alone: Alone) -> None:
    with alone.running("eventbus", *ON_THE_BUS[alone.context]) as process:
        deadline = time.monotonic() + 30
        while not alone.query("SELECT kind FROM eventbus_heartbeat"):
            assert time.monotonic() < deadline, "no sign of life"
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=15) == 0


def test_its_tests_pass(alone: Alone) -> None:
    done = alone.pytest(*TESTS[alone.context])

    last = done.stdout.strip().splitlines()[-1]

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert re.fullmatch(r"\d{3,} passed(, \d+ warnings?)? in .*", last), last


def _tables_of(context: str) -> set[str]:
    return {
        model._meta.db_table
        for app in contexts.CONTEXTS[context]
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    }
