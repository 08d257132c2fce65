"""The documents as a site (a hook of mkdocs): what they link to outside of docs/ becomes a page of it.

So every link resolves without a network, and no picture needs a script of another host. The README is the first page; a linked file is shown with its code,
a linked folder with its files; the API reference is made of the OpenAPI document.
"""

import json
import posixpath
import re
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[2]
LINK: Final = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
KINDS: Final = {".py": "python", ".toml": "toml", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}
DRAWN: Final = re.compile(r"^```mermaid\n.*?^```$", re.S | re.M)
INSTEAD: Final = {
    "events.md": "![every event with its listeners](pictures/events.svg)",
}
"""Pages with a Mermaid diagram, which the code host draws, and the picture that the site shows instead."""
LONGEST: Final = 60_000
CODE: Final = "code/"
"""Where the pages of the code are."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the first page, the API reference, and a page for everything that is linked outside of docs/."""
    files.append(File.generated(config, "index.md", content=_first_page()))
    files.append(File.generated(config, "api-reference.md", content=api_reference()))
    pages = {file.src_uri: file.content_string for file in files.documentation_pages()}
    targets = {_target(uri, link[1]) for uri, text in pages.items() for link in LINK.finditer(text)}
    for target in filter(_is_outside, sorted(targets)):
        files.append(File.generated(config, _page_of(target), content=_shown(target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to the code lead to its pages, and show pictures that need no script.

    Raises:
        PluginError: a page has a Mermaid diagram, and there is no picture to show instead.
    """
    uri = page.file.src_uri
    markdown = DRAWN.sub(lambda _: _picture(uri), markdown)
    here = posixpath.dirname(uri) or "."

    def led(match: re.Match[str]) -> str:
        target = _target(uri, match[1])
        if not _is_outside(target):
            inside = target.removeprefix("docs/")
            is_copied = uri.startswith(CODE) and (ROOT / "docs" / inside).is_file()
            led_to = posixpath.relpath(inside, here) if is_copied else match[1]
            return f"]({led_to}{match[2] or ''})"
        return f"]({posixpath.relpath(_page_of(target), here)})"

    return LINK.sub(led, markdown)


def _picture(uri: str) -> str:
    if uri not in INSTEAD:
        raise PluginError(f"{uri} has a Mermaid diagram, which the site cannot draw")
    return INSTEAD[uri]


def _target(uri: str, link: str) -> str:
    """Return what a link of a page leads to, from the root of the repository."""
    folder = posixpath.dirname(uri)
    beside = folder.removeprefix(CODE) if uri.startswith(CODE) else posixpath.join("docs", folder)
    return posixpath.normpath(posixpath.join(beside, link))


def _is_outside(target: str) -> bool:
    """Whether this is a file or folder of the repository that is no document."""
    is_document = target.startswith("docs/") and not (ROOT / target).is_dir()
    return not is_document and target != "README.md" and (ROOT / target).exists()


def _page_of(target: str) -> str:
    return f"{CODE}{target.removeprefix('.')}.md"


def _shown(target: str) -> str:
    path = ROOT / target
    if path.is_dir():
        names = sorted(one.name for one in path.iterdir() if not one.name.startswith(("_", ".")))
        return "\n".join([f"# `{target}/`", "", *(f"- `{name}`" for name in names), ""])
    text = path.read_text()[:LONGEST]
    if path.suffix == ".md":
        return text
    return f"# `{target}`\n\n````{KINDS.get(path.suffix, 'text')}\n{text}\n````\n"


def _first_page() -> str:
    """Return the README, its links seen from within docs/."""

    def seen(match: re.Match[str]) -> str:
        link, anchor = match[1], match[2] or ""
        inside = link.removeprefix("docs/") if link.startswith("docs/") else f"../{link}"
        return f"]({inside or '.'}{anchor})"

    return LINK.sub(seen, (ROOT / "README.md").read_text())


def api_reference() -> str:
    """Return every operation of the REST API with its parameters and answers."""
    described: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())
    lines = ["# API reference", "", described["info"].get("description", ""), ""]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            lines += _operation(method, path, operation)
    return "\n".join(lines)


def _operation(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    parameters = [
        f"| `{p['name']}` | {p['in']} | {'yes' if p.get('required') else ''} | {_line(p.get('description', ''))} |"
        for p in operation.get("parameters", [])
    ]
    answers = [
        f"| {status} | {_line(answer.get('description', ''))} |"
        for status, answer in operation["responses"].items()
    ]
    head = ["| parameter | in | required | |", "|---|---|---|---|"] if parameters else []
    return [
        f"## {method.upper()} {path}",
        "",
        f"{operation.get('summary', '')}. {_line(operation.get('description', ''))}",
        "",
        *head,
        *parameters,
        "",
        "| answer | |",
        "|---|---|",
        *answers,
        "",
    ]


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
