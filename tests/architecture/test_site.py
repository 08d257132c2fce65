"""The documents build as a site that needs nothing from elsewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.architecture.documents import ROOT

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""Element -> the attribute whose address a browser fetches by itself (of a link only some kinds)."""
NOT_FETCHED = {"canonical", "alternate", "next", "prev", "edit"}
IN_STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")


def build(*options: str) -> subprocess.CompletedProcess[str]:
    """Build the site with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", *options],
        cwd=ROOT,
        env={"NO_MKDOCS_2_WARNING": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    done = build("--site-dir", str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the site on loopback; yield its address."""
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=site))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


class Fetched(HTMLParser):
    """Collects what a browser would fetch from another host."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = dict(attrs)
        address = given.get(FETCHED.get(tag, ""))
        kinds = set((given.get("rel") or "").split())
        if address and urlsplit(address).netloc and not kinds & NOT_FETCHED:
            self.elsewhere.append(f"{tag} {address}")
        if "mermaid" in (given.get("class") or "").split():
            self.elsewhere.append("mermaid, whose script the theme gets from another host")


def elsewhere(page: str) -> list[str]:
    """Return what a page loads from another host."""
    reader = Fetched()
    reader.feed(page)
    return reader.elsewhere + IN_STYLES.findall(page)


def test_the_documents_build_as_a_site_without_a_warning(site: Path) -> None:
    pages = {str(path.relative_to(site)) for path in site.rglob("*.html")}

    assert {"index.html", "api-reference.html", "code/booking/sagas.py.html"} <= pages
    assert "confirm" in (site / "api-reference.html").read_text()


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    found = {
        path.relative_to(site).as_posix(): elsewhere(path.read_text())
        for path in [*site.rglob("*.html"), *site.rglob("*.svg")]
    }
    styles = {
        path.relative_to(site).as_posix(): IN_STYLES.findall(path.read_text())
        for path in site.rglob("*.css")
    }

    assert len(found) > 50
    assert {page: what for page, what in (found | styles).items() if what} == {}


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<img src="http://cdn.example/x.png">',
        "<style>@import 'https://cdn.example/x.css';</style>",
        '<div style="background: url(https://cdn.example/x.png)">',
        '<pre class="mermaid"><code>flowchart LR</code></pre>',
    ],
)
def test_what_is_loaded_from_another_host_is_noticed(page: str) -> None:
    assert elsewhere(page)


@pytest.mark.parametrize(
    "page",
    ['<a href="https://elsewhere.example">', '<img src="pictures/flow.svg">', '<link rel="canonical" href="https://x.example">'],
)  # fmt: skip
def test_a_link_to_another_host_is_no_load(page: str) -> None:
    assert not elsewhere(page)


def test_a_browser_asks_no_other_host(address: str, context: Any) -> None:
    asked: set[str] = set()
    context.on("request", lambda request: asked.add(request.url))
    reader = context.new_page()

    for name in ("index", "architecture", "events", "rule-of-thumb", "api-reference"):
        reader.goto(f"{address}/{name}.html", wait_until="networkidle")

    pictures = reader.goto(f"{address}/architecture.html", wait_until="networkidle")
    assert pictures.ok
    drawn = reader.evaluate(
        "[...document.querySelectorAll('article img')].map(i => i.naturalWidth)"
    )
    assert len(drawn) == 3
    assert all(wide > 500 for wide in drawn)
    assert {url for url in asked if not url.startswith((address, "data:"))} == set()
