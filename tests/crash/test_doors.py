"""Nothing leaves a process but through the doors that the harness watches."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import contexts

ROOT = Path(__file__).parent.parent.parent
PACKAGES = (
    *(app for apps in contexts.CONTEXTS.values() for app in apps),
    *contexts.SHARED,
    *contexts.SHARED_PACKAGES,
    "config",
)
DOORS = {
    "httpx": {"outbound/http.py", "outbound/deadline.py"},
    "httpcore": {"outbound/deadline.py"},
    "kombu": {"outbound/broker.py"},
    "redis": {
        # All of these speak through the client that connections.py makes.
        "eventbus/connections.py",
        "eventbus/consumer.py",
        "eventbus/doctor.py",
        "eventbus/fanout.py",
        "eventbus/faults.py",
        "eventbus/nudge.py",
        "eventbus/relay.py",
        "eventbus/wakeup.py",
    },
    "celery": {"booking/tasks.py", "crm/tasks.py", "config/celery.py"},
    # The official SDK, whose HTTP client is ours.
    "stripe": {
        "payments/gateways/stripe.py",
        "payments/gateways/stripe_http.py",
        "payments/gateways/stripe_objects.py",
    },
    "smtplib": {"crm/gateways/mail.py"},
    "django.core.mail": {"crm/gateways/mail.py", "identity/mails.py"},
    "socket": {
        "eventbus/loop.py",  # for the machine's name
        "config/malformed.py",  # gunicorn's, to answer who sent what cannot be read
    },
    "psycopg": set(),
    "requests": set(),
    "urllib3": set(),
    "urllib.request": set(),
    "http.client": set(),
    "aiohttp": set(),
    "subprocess": set(),
    "multiprocessing": set(),
}
"""What can leave a process -> the only files that may import it."""
BEHIND_DJANGO: dict[str, set[str]] = {
    "commit": set(),
    "pgconn": set(),
    "set_autocommit": set(),
    "set_session": set(),
    "autocommit": {"eventbus/together.py"},  # a statement that is a transaction is a door: `write`
}
"""Attributes by which a transaction could be ended without Django's own `_commit` -> who may use them."""
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def strays(name: str, source: str) -> list[str]:
    """Return what a file uses of a door that is not its own."""
    tree = ast.parse(source)
    found = [
        f"imports {what}"
        for what in imported(tree)
        for door, files in DOORS.items()
        if (what == door or what.startswith(f"{door}.")) and name not in files
    ]
    attributes = (node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return found + [
        f"uses .{what}" for what in attributes if name not in BEHIND_DJANGO.get(what, {name})
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_uses_no_door_but_its_own(path: Path) -> None:
    assert strays(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import httpx",
        "from redis import Redis",
        "import urllib.request",
        "from django.core import mail",
        "connection.connection.commit()",
        "connection.connection.autocommit = True",
        "connection.connection.pgconn.exec_(b'COMMIT')",
    ],
)
def test_a_stray_is_seen(source: str) -> None:
    assert strays("booking/commands.py", source)
