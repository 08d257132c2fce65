"""How the tests of the documents read them: blocks, links, headings, commands, variables."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]

COMMAND = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:\.ci/run$|(?:\.venv/bin/)?(?:make|python3?|pip|manage\.py|celery|docker|uv|npm) \S)"
)
"""How a code span begins that is a command, and not the name of a program."""


class Link(NamedTuple):
    """A link that stays in the repository."""

    page: Path
    target: str
    anchor: str


def block(page: Path, name: str) -> str:
    """Return what stands between `<!-- name:start -->` and `<!-- name:end -->`, without a code fence."""
    text = page.read_text().partition(f"<!-- {name}:start -->\n")[2]
    inside, end, _ = text.partition(f"<!-- {name}:end -->")
    assert end, f"{page.name} has no block {name!r}"
    fenced = re.search(r"^```\w*\n(.*?)^```$", inside, re.DOTALL | re.MULTILINE)
    return fenced.group(1) if fenced else inside.strip() + "\n"


def links(page: Path) -> Iterator[Link]:
    """Return the links of a page that point into the repository."""
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            yield Link(page, target, anchor)


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings get: lower case, no punctuation, dashes for blanks."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def commands(page: Path, program: str) -> Iterator[str]:
    """Return what is written after a program's name, in code spans (which may wrap) and code blocks."""
    text = page.read_text()
    code = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for fenced in code for line in fenced.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    for line in lines:
        for rest in line.split("#")[0].split(f"{program} ")[1:]:
            yield rest.strip()


def shell(page: str, section: str = "") -> list[str]:
    """Return the lines of a page's `sh` blocks (of one section, if its heading is given), without comments."""
    text = (ROOT / page).read_text()
    if section:
        text = re.split(r"^#+ ", text.partition(f"# {section}\n")[2], flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [bare for line in lines if (bare := re.split(r"(?:^|\s)#\s", line)[0].strip())]


def spans(page: str) -> list[str]:
    """Return the code spans of a page (they may wrap) that are commands: a program and its words."""
    prose = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)
    found = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    return [span for span in found if COMMAND.match(span) and "..." not in span]


def example_variables() -> dict[str, str | None]:
    """Return variable -> its default in `.env.example` (None: it is set there, no default shown)."""
    lines = re.findall(r"^(# )?([A-Z][A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M)
    return {name: value if commented else None for commented, name, value in lines}


def settings_variables() -> dict[str, object]:
    """Return variable -> default, as `config/settings.py` reads them.

    Of a default that depends on DEBUG it is development's; Ellipsis stands for one that is computed.
    """
    tree = ast.parse((ROOT / "config" / "settings.py").read_text())
    reads = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _reads_a_variable(node.func)
        and isinstance(node.args[0], ast.Constant)
    ]
    return {ast.literal_eval(node.args[0]): _default(node) for node in reads}


def _reads_a_variable(function: ast.expr) -> bool:
    """Whether this is `env.something` or `_seconds`."""
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id == "env"
    return isinstance(function, ast.Name) and function.id == "_seconds"


def _default(read: ast.Call) -> object:
    given = next(word.value for word in read.keywords if word.arg == "default")
    try:
        return ast.literal_eval(given.body if isinstance(given, ast.IfExp) else given)
    except ValueError:
        return ...
