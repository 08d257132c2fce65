"""Which commands the documents show, and which of them are given: by a test, or by a step of `.ci/run`.

Nothing is listed here that could be looked up. A command is given where a test types it (`give`, `begin` of
terminal.py), where a step of CI is that command, or where a test follows a whole page and gives all that stands there.
"""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.architecture import documents
from tests.architecture.documents import PAGES, ROOT

CI: Final = ".ci/run"
FOLLOWED: Final = {
    ("README.md", "The ordinary Django way"): "tests/flows/test_ordinary_way.py",
    ("docs/api.md", ""): "tests/flows/test_api_page.py",
    ("docs/runbook.md", ""): "tests/integration/booking/test_runbook.py",
}
"""A page, or a section of it, and the test that gives every command of it."""

TERMINAL: Final = re.compile(r"from tests\.architecture(\.terminal import| import .*\bterminal\b)")


class Given(NamedTuple):
    """A command, and the file that gives it."""

    where: str
    command: str


def shown() -> list[tuple[str, str]]:
    """Return (page, command) for every line of a block and every code span that is a command."""
    pages = [page.relative_to(ROOT).as_posix() for page in PAGES]
    found = {(page, line) for page in pages for line in documents.spans(page)}
    return sorted(found | {(page, line) for page in pages for line in documents.shell(page)})


def given() -> list[Given]:
    """Return every command that is given, with who gives it."""
    return [*_of_ci(), *_typed(), *_followed()]


def givers(command: str, among: list[Given]) -> list[str]:
    """Return who gives a command, perhaps with more words (which bound it) or other numbers."""
    return [one.where for one in among if covers(one.command, command)]


def covers(given: str, command: str) -> bool:
    """Whether giving the one command gives the other: the same program and verb, and all other words, in order."""
    have, want = _words(given), _words(command)
    if have[:2] != want[:2]:
        return False
    rest = iter(have[2:])
    return all(word in rest for word in want[2:])


def _words(command: str) -> list[str]:
    """Return the words that count: ARGS is what it holds, of other variables and numbers only that they are there."""
    try:
        words = shlex.split(command)
    except ValueError:  # the first line of a quotation that goes on
        words = command.split()
    while re.match(r"[A-Z_]+=", words[0]) and len(words) > 1:
        words = words[1:]
    if re.fullmatch(r"(\.venv/bin/)?python3?", words[0]) and words[1:2] == ["manage.py"]:
        words = words[1:]
    found: list[str] = [words[0].removeprefix(".venv/bin/")]
    for word in words[1:]:
        name, is_variable, value = word.partition("=")
        if is_variable and name == "ARGS":
            found += shlex.split(value)
        else:
            found.append(f"{name}=" if is_variable and name.isupper() else word)
    return [re.sub(r"\d+(\.\d+)?", "0", word) for word in found]


def _of_ci() -> Iterator[Given]:
    for line in map(str.strip, (ROOT / CI).read_text().splitlines()):
        if documents.COMMAND.match(line):
            yield Given(CI, line.partition(" > ")[0])
    yield Given(CI, CI)


def _typed() -> Iterator[Given]:
    """Find the calls of `give` and `begin`; what a line is made of at run time counts as 0."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text = path.read_text()
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        for call in calls if TERMINAL.search(text) else []:
            if _name(call.func) in {"give", "begin"} and (line := _literal(call.args[0])):
                yield Given(path.relative_to(ROOT).as_posix(), line)


def _name(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def _literal(argument: ast.expr) -> str:
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    if isinstance(argument, ast.JoinedStr):
        parts = argument.values
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "0" for one in parts)
    return ""


def _followed() -> Iterator[Given]:
    """Return what stands on the pages that a test follows; that it does is read from its code."""
    for (page, section), test in FOLLOWED.items():
        text = (ROOT / test).read_text()
        assert Path(page).name in text, f"{test} does not read {page}"
        lines = documents.shell(page, section)
        if f'documents.spans("{page}")' in text:
            lines += documents.spans(page)
        yield from (Given(test, line) for line in lines)
    for path in sorted((ROOT / "tests" / "howto").glob("test_*.py")):
        for name in re.findall(r'\.follow\(PAGES / "([\w-]+\.md)"\)', path.read_text()):
            for line in documents.shell(f"docs/how-to/{name}"):
                yield Given(path.relative_to(ROOT).as_posix(), line)
