"""What is measured by reading: where the order of steps is written, which files a further listener changes."""

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config import contexts
from tests.howto import following

ROOT: Final = following.ROOT
EXAMPLES: Final = ROOT / "examples" / "comparison"
LISTENER: Final = {
    "published": ROOT / "docs" / "how-to" / "listener.md",
    "commanded": EXAMPLES / "README.md",
}
"""The page that says how a listener is added, one way and the other."""

SIDES: Final = {
    "published": [f"{app}/" for app in contexts.CONTEXTS["booking"]],
    "commanded": ["examples/comparison/commanded/booking_side.py"],
}
"""What belongs to the publisher."""


def lines_of_code() -> dict[str, int]:
    """Return the lines of each example, blank ones and comments too."""
    return {
        "commanded": sum(_length(path) for path in (EXAMPLES / "commanded").glob("*.py")),
        "choreographed": _length(EXAMPLES / "choreographed.py"),
    }


def places() -> dict[str, int]:
    """Count what must be read to know the order of the steps: tables of links, or functions that react or begin."""
    losing = ast.parse((EXAMPLES / "choreographed.py").read_text())
    winning = ast.parse((ROOT / "booking" / "sagas.py").read_text())
    tables = [
        node
        for node in winning.body
        if isinstance(node, ast.Assign) and _name(node.targets[0]) == "CONFIRM_RESERVATION"
    ]
    return {
        "orchestrated": len(tables),
        "choreographed": sum(_speaks(node) for node in losing.body),
    }


def files_that_name_crm() -> dict[str, int]:
    """Count the publisher's files in which a name (not prose) is about the listener."""
    return {way: sum(_names_crm(path) for path in _files(sides)) for way, sides in SIDES.items()}


def files_for_a_listener() -> dict[str, dict[str, int]]:
    """Add a listener each way on a scratch copy; count the files that change, and the publisher's among them."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="travel-reading-") as directory:
        copy = following.copied(Path(directory))
        for way, page in LISTENER.items():
            copy.reset()
            for block in following.blocks(page):
                if block.path and block.kind != "sh":
                    copy.apply(block)
            touched = copy.touched()
            publishers = [name for name in touched if name.startswith(tuple(SIDES[way]))]
            found[way] = {"publisher": len(publishers), "all": len(touched)}
    return found


def _files(sides: list[str]) -> Iterator[Path]:
    for side in sides:
        path = ROOT / side
        yield from [path] if path.is_file() else path.rglob("*.py")


def _names_crm(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    words = [
        str(word)
        for node in ast.walk(tree)
        for word in (getattr(node, field, None) for field in ("id", "attr", "name", "module"))
        if word
    ]
    return any("crm" in word.lower() for word in words)


def _speaks(node: ast.stmt) -> bool:
    """Whether a function reacts to an event or publishes one."""
    if not isinstance(node, ast.FunctionDef):
        return False
    return any(
        isinstance(one, ast.Call) and _name(one.func) in {"on", "publish"} for one in ast.walk(node)
    )


def _name(node: ast.expr) -> str:
    return (
        node.attr
        if isinstance(node, ast.Attribute)
        else node.id
        if isinstance(node, ast.Name)
        else ""
    )


def _length(path: Path) -> int:
    return len(path.read_text().splitlines())
