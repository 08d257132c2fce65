"""Whatever a page, a docstring or a comment refers to is there: files, anchors, tests, decisions, code."""

import re

import pytest

from tests.architecture import documents, references
from tests.architecture.documents import ROOT
from tests.architecture.references import Reference

PACKAGES = sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file())
PAGES = [ROOT / name for name in sorted(references.tracked()) if name.endswith(".md")]
LINKS = [link for page in PAGES for link in documents.links(page)]
ELSEWHERE = {"schemas/3.0.0.json"}
"""Of other repositories."""


@pytest.mark.parametrize("link", LINKS, ids=lambda link: f"{link.page.name}:{link.target}")
def test_every_link_within_the_repository_leads_somewhere(link: documents.Link) -> None:
    page = (link.page.parent / link.target).resolve() if link.target else link.page

    assert page.is_relative_to(ROOT)
    assert page.exists()
    assert not link.anchor or link.anchor in documents.anchors(page)


@pytest.mark.parametrize("reference", sorted(references.files()), ids="-".join)
def test_every_file_that_is_named_exists(reference: Reference) -> None:
    if reference.target in references.made() | ELSEWHERE:
        return
    path = references.found(reference)

    assert path, f"{reference.where} names {reference.target}"
    text = path.read_text()
    assert not reference.name or re.search(rf"(def|class) {reference.name}\b", text)
    assert not reference.line or int(reference.line) <= len(text.splitlines())


def test_every_decision_that_is_named_by_its_number_exists() -> None:
    taken = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}

    assert [one for one in references.decisions() if one.target not in taken] == []


def test_every_test_that_is_named_without_its_file_exists() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    defined = set(re.findall(r"(?:def|class) (test_\w+|Test\w+)", tests))

    assert [one for one in references.tests() if one.target not in defined] == []


def test_every_dotted_name_of_our_code_is_one() -> None:
    named = references.dotted(PACKAGES)

    assert len(named) > 10
    assert [one for one in sorted(named) if not references.is_code(one.target)] == []


@pytest.mark.parametrize(
    ("name", "is_there"),
    [
        ("booking.commands.register_account", True),
        ("eventbus.log.read", True),
        ("booking.commands.undo_everything", False),
        ("booking.nowhere.at_all", False),
    ],
)
def test_a_dotted_name_is_looked_up_in_the_code(name: str, is_there: bool) -> None:
    assert references.is_code(name) is is_there


def test_docstrings_comments_and_all_pages_are_read() -> None:
    where = {reference.where for reference in references.files()}

    assert {"CHANGELOG.md", "examples/comparison/README.md", "docs/how-to/step.md"} <= {
        page.relative_to(ROOT).as_posix() for page in PAGES
    }
    assert {"README.md", "tests/compare/page.py", "docs/architecture.md"} <= where
