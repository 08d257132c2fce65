"""Bus and orchestrator live in a project that knows nothing of travel: both pages are followed in an empty folder."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.howto import following

PAGES = following.ROOT / "docs" / "how-to"


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[following.Copy]:
    """An empty folder with a database of its own."""
    name = f"lifted_{os.getpid()}"
    here = urlsplit(os.environ["DATABASE_URL"])
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    env = {
        "TRAVEL": str(following.ROOT),
        "PGHOST": str(here.hostname),
        "PGPORT": str(here.port),
        "PGUSER": str(here.username),
        "PGPASSWORD": str(here.password or ""),
        "PGDATABASE": name,
        "EVENTBUS_REDIS_URL": settings.EVENTBUS_REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "PYTHONPATH": "",
    }
    with psycopg.connect(urlunsplit(here), autocommit=True) as server:
        server.execute(drop)
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield following.Copy(tmp_path, env)
        server.execute(drop)


SETTINGS = "shop/settings.py"


def by_hand(page: Path) -> list[int]:
    """Count the files that a page lets the reader write or change: what is lifted, settings, the rest."""
    paths = {block.path for block in following.blocks(page) if block.path}
    lifted = [
        path for path in paths if path.startswith(("eventbus/", "outbound/", "flows/orchestrator/"))
    ]
    return [len(lifted), len(paths & {SETTINGS}), len(paths - {SETTINGS} - set(lifted))]


@pytest.mark.parametrize("name", ["lift-the-bus.md", "lift-the-orchestrator.md"])
def test_a_page_says_how_many_files_are_touched(name: str) -> None:
    assert by_hand(PAGES / name) == following.counted(PAGES / name)


def test_the_bus_is_lifted_without_a_change(folder: following.Copy) -> None:
    folder.follow(PAGES / "lift-the-bus.md")

    assert (folder.root / "packed.txt").read_text() == "a kettle\n"
    assert _differing(folder.root / "eventbus", following.ROOT / "eventbus") == []


def test_the_orchestrator_is_lifted_with_its_address_only(folder: following.Copy) -> None:
    folder.follow(PAGES / "lift-the-orchestrator.md")

    assert (folder.root / "ended.txt").read_text() == "sold_out"
    assert _differing(folder.root / "eventbus", following.ROOT / "eventbus") == []
    moved = {"booking.orchestrator": "flows.orchestrator"}
    engine = folder.root / "flows" / "orchestrator"
    assert _differing(engine, following.ROOT / "booking" / "orchestrator", moved) == []


def _differing(copy: Path, original: Path, moved: dict[str, str] | None = None) -> list[str]:
    """Return the files that differ from the original by more than words that moved."""
    differing = []
    for path in original.rglob("*.py"):
        text = path.read_text()
        for before, after in (moved or {}).items():
            text = text.replace(before, after)
        if (copy / path.relative_to(original)).read_text() != text:
            differing.append(path.name)
    return differing
