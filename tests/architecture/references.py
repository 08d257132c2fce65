"""What documents, docstrings and comments refer to: files, tests, decisions, code by its dotted name."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests import tree
from tests.architecture.documents import ROOT

ENDINGS: Final = "py|md|json|ya?ml|toml|txt|svg|sh|css|js|html"
FILE: Final = re.compile(
    rf"(?<![\w/.:<$-])((?:[\w.-]+/)+[\w.-]*\.(?:{ENDINGS}))\b(?:::(\w+))?(?::(\d+))?"
)
DECISION: Final = re.compile(r"(?<![\w./-])(0\d{3})(?!\w|[./-]\w)")
TEST: Final = re.compile(r"`(test_\w+|Test[A-Z]\w+)`")
FENCE: Final = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
TITLE: Final = re.compile(r'^```\w+ title="([^"]+)"', re.MULTILINE)


class Reference(NamedTuple):
    """Where something is referred to, and as what."""

    where: str
    target: str
    name: str = ""
    line: str = ""


@cache
def tracked() -> frozenset[str]:
    """Return every file under version control, or about to be, from the root."""
    return frozenset(tree.files())


@cache
def made() -> frozenset[str]:
    """Return the files that the how-tos let the reader make."""
    pages = (ROOT / "docs" / "how-to").glob("*.md")
    return frozenset(path for page in pages for path in TITLE.findall(page.read_text()))


@cache
def texts() -> list[tuple[str, str]]:
    """Return (file, text) for each page, docstring and comment; what a page shows as code is left out."""
    return list(_texts())


def _texts() -> Iterator[tuple[str, str]]:
    for name in sorted(tracked()):
        if name.endswith(".md"):
            yield name, FENCE.sub("", (ROOT / name).read_text())
        elif name.endswith(".py") and "/migrations/" not in name:
            yield from ((name, text) for text in _said((ROOT / name).read_text()))


def _said(source: str) -> Iterator[str]:
    """Return the docstrings, the strings beneath constants, and the comments of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def files() -> set[Reference]:
    """Return every file that is named, with the test or line that is named in it."""
    return {
        Reference(where, *found.groups(""))
        for where, text in texts()
        for found in FILE.finditer(text)
    }


def decisions() -> set[Reference]:
    """Return every decision that is named by its number."""
    return {
        Reference(where, number) for where, text in texts() for number in DECISION.findall(text)
    }


def tests() -> set[Reference]:
    """Return every test that is named without its file."""
    return {
        Reference(where, name)
        for where, text in texts()
        if where.endswith(".md")
        for name in TEST.findall(text)
    }


def found(reference: Reference) -> Path | None:
    """Return the file that a reference means, from the root, from beside it, or by the end of its path."""
    target = reference.target
    for path in (ROOT / target, (ROOT / reference.where).parent / target):
        if path.is_file():
            return path
    ends = [name for name in tracked() if name.endswith(f"/{target}")]
    return ROOT / ends[0] if ends else None


def dotted(packages: list[str]) -> set[Reference]:
    """Return every dotted name of our code in a code span: `booking.commands.register_account`."""
    name = re.compile(rf"`((?:{'|'.join(packages)})(?:\.[A-Za-z_]\w*){{2,}})(?:\(\))?`")
    return {
        Reference(where, one)
        for where, text in texts()
        for one in name.findall(text)
        if not re.search(r"\.v\d+$", one) and one.rpartition(".")[2] not in ENDINGS.split("|")
    }


def is_code(name: str) -> bool:
    """Whether a dotted name is a package, a module, or something that a module has."""
    words = name.split(".")
    for upto in range(len(words), 0, -1):
        path = ROOT.joinpath(*words[:upto])
        module = (
            path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        )
        if module.is_file():
            rest = words[upto:]
            return not rest or rest[0] in _names(module)
    return False


def _names(module: Path) -> set[str]:
    """Return what a module defines or imports at its top."""
    names: set[str] = set()
    for node in ast.parse(module.read_text()).body:
        for one in [node, *getattr(node, "targets", []), getattr(node, "target", None)]:
            names.add(str(getattr(one, "name", getattr(one, "id", ""))))
        names |= {alias.asname or alias.name for alias in getattr(node, "names", [])}
    return names
