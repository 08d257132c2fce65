"""What the documents show, name and draw is there: code, commands, contracts, pictures; and they build as a site."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture import documents, pictures, shown
from tests.architecture.documents import PAGES, README, ROOT

HOW_TO = ROOT / "docs" / "how-to"
COMMANDS = sorted(
    {
        (page, line.partition("  #")[0].strip())
        for page in PAGES
        if not page.is_relative_to(HOW_TO)  # followed from end to end by tests/howto
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.S | re.M)
        for line in block.replace("\\\n", " ").splitlines()
        if re.match(r"(make|python|pip|cp|mkdir|celery|curl|manage\.py)", line)
    }
)
FOLDERS = sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file())
CODE = re.compile(
    rf"`((?:{'|'.join([*FOLDERS, 'docs', 'tests', 'examples'])})/[\w./-]*\.\w+)(?:::(\w+))?(?::(\d+))?`"
)
NAMED = sorted({(page, *match) for page in PAGES for match in CODE.findall(page.read_text())})
NOT_THERE = {"loyalty", "orders", "flows", "shop", "insurance", "nordair.py"}
"""What the how-to pages let the reader make."""


@pytest.mark.parametrize(
    ("where", "command"), COMMANDS, ids=lambda value: getattr(value, "name", value)
)
def test_every_command_shown_is_given_by_a_test(where: Path, command: str) -> None:
    path, _, name = shown.giver(command).partition("::")

    assert (ROOT / path).is_file()
    if name:
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_giver_is_needed() -> None:
    given = {shown.giver(command) for _, command in COMMANDS}

    assert given == set(shown.GIVEN_BY.values())


@pytest.mark.parametrize(
    ("where", "path", "name", "line"), NAMED, ids=lambda value: getattr(value, "name", value)
)
def test_every_file_and_test_that_is_named_exists(
    where: Path, path: str, name: str, line: str
) -> None:
    if NOT_THERE & set(Path(path).parts):
        assert where.is_relative_to(HOW_TO)
        return
    assert (ROOT / path).exists(), f"{where.name} names {path}"
    assert not name or f"def {name}(" in (ROOT / path).read_text()
    assert not line or int(line) <= len((ROOT / path).read_text().splitlines())


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


def test_the_readme_shows_every_picture_with_words_for_who_does_not_see_it() -> None:
    shown_there = dict(re.findall(r"!\[([^\]]+)\]\((docs/pictures/\w+\.svg)\)", README.read_text()))

    assert {ROOT / path for path in shown_there.values()} == set(pictures.drawn())


def test_the_documents_build_as_a_site_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={"NO_MKDOCS_2_WARNING": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    pages = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.html")}
    assert {"index.html", "api-reference.html", "code/booking/sagas.py.html"} <= pages
    assert (
        "Booking trips" in done.stdout or "confirm" in (tmp_path / "api-reference.html").read_text()
    )


def test_every_page_is_in_the_navigation() -> None:
    listed = (ROOT / "mkdocs.yml").read_text()
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page != README]

    assert [page for page in pages if page not in listed] == []
