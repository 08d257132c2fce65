"""Writing and checking what is generated: `events.md`, `events.lock.json` and `asyncapi/` in `docs/`."""

import json
from pathlib import Path

from django.conf import settings

from eventbus import asyncapi, lock, markdown


class ContractBroken(ValueError):
    """An event changed in a way that its listeners or the log would not survive."""


def directory() -> Path:
    """Return where the documents are."""
    return Path(settings.BASE_DIR) / "docs"


def write(*, accept_breaking: bool = False) -> list[str]:
    """Write the documents; return their paths.

    Raises:
        ContractBroken: the lock on disk would be broken, and that was not accepted.
    """
    broken = breaking_changes()
    if broken and not accept_breaking:
        raise ContractBroken(
            "Give the event a new version with an upcaster (or accept the break):\n"
            + "\n".join(broken)
        )
    for path, content in _contents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    for path in _leftovers():
        path.unlink()
    return [str(path) for path in _contents()]


def problems() -> list[str]:
    """Return breaking changes, and documents that differ from the code."""
    drifted = [
        f"{path.name} is not what the code says: run `manage.py eventbus catalogue`"
        for path, content in _contents().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]
    left = [
        f"{path.name} is of no context: run `manage.py eventbus catalogue`" for path in _leftovers()
    ]
    return breaking_changes() + drifted + left


def breaking_changes() -> list[str]:
    """Return what breaks the contract on disk; nothing if there is none yet."""
    path = directory() / "events.lock.json"
    if not path.is_file():
        return []
    before = json.loads(path.read_text(encoding="utf-8"))
    return lock.breaking_changes(before=before, after=lock.current())


def _contents() -> dict[Path, str]:
    return {
        directory() / "events.md": markdown.page(),
        directory() / "events.lock.json": lock.text(lock.current()),
        **{
            directory() / "asyncapi" / f"{context}.json": asyncapi.text(context=context)
            for context in asyncapi.contexts()
        },
    }


def _leftovers() -> list[Path]:
    """Return AsyncAPI documents of contexts that are no more."""
    written = _contents()
    return [
        path for path in sorted((directory() / "asyncapi").glob("*.json")) if path not in written
    ]
