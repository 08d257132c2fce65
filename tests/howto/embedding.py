"""Write code into the pages that show it: `python -m tests.howto.embedding`.

`<!-- code:examples/ladder/keys.py:book,pay -->` is followed by a block with these functions (or, without
names, with the whole file).
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.howto.following import ROOT

MARK: Final = re.compile(
    r"<!-- code:(?P<path>[\w/.-]+)(?::(?P<names>[\w,]+))? -->\n```python\n.*?^```$", re.M | re.S
)


def pages() -> Iterator[Path]:
    """Return the pages that show code."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        if "<!-- code:" in page.read_text():
            yield page


def written(page: Path) -> str:
    """Return a page with the code of today."""
    return MARK.sub(_block, page.read_text())


def _block(match: re.Match[str]) -> str:
    text = (ROOT / match["path"]).read_text()
    named = f":{match['names']}" if match["names"] else ""
    if match["names"]:
        text = "\n\n".join(_source(text, name) for name in match["names"].split(","))
    return f"<!-- code:{match['path']}{named} -->\n```python\n{text.strip()}\n```"


def _source(text: str, name: str) -> str:
    """Return a function, class or constant of a file, with its decorators."""
    for node in ast.parse(text).body:
        if name in _names(node):
            decorators = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno]) + "\n"
    raise LookupError(name)


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return {getattr(node, "name", "")}


def main() -> int:
    """Rewrite every page that shows code."""
    for page in pages():
        page.write_text(written(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
