"""What the documents say is what the code does: whoever changes one is told to change the other."""

import argparse
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from config import contexts
from eventbus import catalogue
from tests.architecture import documents, rewrite, terminal
from tests.architecture.documents import PAGES, README, ROOT

DOCS = ROOT / "docs"
REWRITE = "run python -m tests.architecture.rewrite"
MANAGE = sorted({words for page in PAGES for words in documents.commands(page, "manage.py")})
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = sorted(
    re.match(r"[\w-]+", line).group().lower()  # type: ignore[union-attr]
    for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
)


def test_the_readme_shows_the_saga_and_its_lines_as_they_are() -> None:
    assert documents.block(README, "saga") == rewrite.confirmation()
    assert rewrite.readme(README.read_text()) == README.read_text(), REWRITE


def test_the_readme_shows_a_handler_as_it_is() -> None:
    shown = documents.block(README, "handler")

    assert shown.startswith("@crm.on(")
    assert f"\n\n\n{shown}\n\n" in (ROOT / "crm" / "handlers.py").read_text() + "\n\n"


def test_the_readme_shows_the_context_map_as_it_is() -> None:
    rows = [line.split("|")[1:3] for line in documents.block(README, "contexts").splitlines()[2:]]

    shown = {name.strip(" `"): tuple(re.findall(r"`(\w+)`", folders)) for name, folders in rows}

    assert shown == {
        **contexts.CONTEXTS,
        "shared apps": contexts.SHARED,
        "shared package": contexts.SHARED_PACKAGES,
    }


def test_the_lines_of_code_in_the_readme_s_sketch_of_the_demo_are_right() -> None:
    code = (ROOT / "booking" / "sagas.py").read_text().splitlines()

    named = re.findall(r"booking/sagas\.py:(\d+) +done +(\w+)", documents.block(README, "demo"))

    assert len(named) == 5
    for line, step in named:
        assert f'"{step}"' in code[int(line) - 1], f"line {line} is not {step}: {REWRITE}"


def test_the_handlers_in_the_readme_s_sketch_of_the_demo_react_to_these_events() -> None:
    reacting = {
        (entry.name, handler.name.rpartition(".")[2])
        for entry in catalogue.collect()
        for handler in entry.handlers
    }

    named = re.findall(
        r"^  ([\w.]+) +-> crm/handlers\.py +(\w+)", documents.block(README, "demo"), re.M
    )

    assert named
    assert set(named) <= reacting


def test_the_readme_names_six_files_to_read() -> None:
    part = README.read_text().partition("Read these six files")[2].partition("**Two commands**")[0]

    files = re.findall(r"^\d\. \[`([\w/.]+)`\]\(([\w/.]+)\)", part, re.M)

    assert len(files) == 6
    assert all(name == target and (ROOT / name).is_file() for name, target in files)


def test_the_table_of_magic_inputs_is_what_the_sandbox_prints() -> None:
    printed = terminal.give("python -m sandbox --magic")

    assert documents.block(DOCS / "sandbox.md", "magic") == printed.strip() + "\n", REWRITE


@pytest.mark.parametrize("entry", catalogue.collect(), ids=lambda entry: entry.name)
def test_every_event_is_in_the_catalogue_with_its_listeners(entry: catalogue.Entry) -> None:
    page = (DOCS / "events.md").read_text()

    rows = [line for line in page.splitlines() if line.startswith(f"| [`{entry.name}`]")]

    assert len(rows) == 1, f"{entry.name}: run manage.py eventbus catalogue"
    assert all(handler.name.rpartition(".")[2] in rows[0] for handler in entry.handlers)


@pytest.mark.parametrize("name", sorted(documents.settings_variables()))
def test_every_variable_of_the_settings_is_in_the_example(name: str) -> None:
    assert name in documents.example_variables(), f".env.example lacks {name}"


@pytest.mark.parametrize("name", sorted(documents.example_variables()))
def test_every_variable_of_the_example_is_read(name: str) -> None:
    devstack = "\n".join(path.read_text() for path in (ROOT / "devstack").glob("*.py"))

    assert name in documents.settings_variables() or f'"{name}"' in devstack


@pytest.mark.parametrize("name", sorted(documents.settings_variables()))
def test_a_commented_variable_of_the_example_shows_the_default(name: str) -> None:
    shown, default = documents.example_variables()[name], documents.settings_variables()[name]

    if shown and default is not ...:
        assert shown == _as_text(default)


def _as_text(default: object) -> str:
    if isinstance(default, list):
        return ",".join(default)
    return (
        f"{default:g}"
        if isinstance(default, float)
        else str(int(default))
        if isinstance(default, (bool, int))
        else str(default)
    )


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_requirement_has_its_reason(requirement: str) -> None:
    decision = (DOCS / "decisions" / "0004-libraries.md").read_text().lower()
    tables = decision.partition("## decision")[2].partition("## options refused")[0]
    first_columns = " ".join(line.split("|")[1] for line in tables.splitlines() if "|" in line)

    assert re.search(rf"(?<![\w-]){requirement}(?![\w-])", first_columns)


@pytest.mark.parametrize("words", MANAGE)
def test_every_command_shown_exists_with_its_options(words: str) -> None:
    name, *arguments = words.split()
    if name == "...":
        return
    assert name in get_commands(), f"manage.py {words}"
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)

    for verbs in _subcommands(parser):
        if arguments and arguments[0] != "...":
            assert arguments[0] in verbs.choices, f"manage.py {words}"
            parser = verbs.choices[arguments[0]]

    known = set(parser._option_string_actions)
    assert {word for word in arguments if re.fullmatch(r"--[a-z-]+", word)} <= known


def _subcommands(parser: argparse.ArgumentParser) -> list[Any]:
    return [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]


@pytest.mark.parametrize(
    "target", sorted({words for page in PAGES for words in documents.commands(page, "make")})
)
def test_every_target_of_make_shown_exists(target: str) -> None:
    targets = re.findall(r"^([a-z-]+):", Path(ROOT / "Makefile").read_text(), re.M)

    assert target.split()[0] in targets
