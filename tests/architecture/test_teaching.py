"""What the documents show, name and draw is there: code, commands, contracts, pictures; and they build as a site."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture import documents, pictures
from tests.architecture.documents import PAGES, README, ROOT


def test_the_readme_shows_two_contracts_as_they_are_printed() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    printed = {f"{contract['name']} KEPT" for contract in contracts}

    lines = documents.block(README, "contracts").splitlines()

    assert len(lines) == 2
    assert set(lines) <= printed


def test_the_first_screen_shows_the_rule_the_table_a_handler_two_contracts_and_two_commands() -> (
    None
):
    first = README.read_text().partition("## ")[0]

    marks = [
        "**Orchestrate**",
        "<!-- saga:start",
        "<!-- handler:start",
        "<!-- contracts:start",
        "six files",
        "make demo",
    ]

    places = [first.index(mark) for mark in marks]
    assert places == sorted(places)


@pytest.mark.parametrize("path", sorted(pictures.drawn()), ids=lambda path: path.name)
def test_a_picture_shows_the_code_of_today(path: Path) -> None:
    assert path.read_text() == pictures.drawn()[path], "run python -m tests.architecture.pictures"


def test_every_picture_is_shown_with_words_for_who_does_not_see_it() -> None:
    shown_there = {
        (page.parent / path).resolve()
        for page in PAGES
        for path in re.findall(r"!\[[^\]]+\]\((\S+\.svg)\)", page.read_text())
    }

    assert shown_there == set(pictures.drawn())


def test_the_readme_shows_the_contexts_the_flow_and_the_events() -> None:
    shown_there = re.findall(r"!\[[^\]]+\]\(docs/pictures/(\w+)\.svg\)", README.read_text())

    assert shown_there == ["contexts", "flow", "events"]


def test_every_page_is_in_the_navigation() -> None:
    listed = (ROOT / "mkdocs.yml").read_text()
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page != README]

    assert [page for page in pages if page not in listed] == []
