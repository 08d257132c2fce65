"""Writing and checking what is generated: `docs/events.md` and `docs/events.lock.json`."""

import json
from pathlib import Path

from django.conf import settings

from eventbus import lock, markdown


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
    directory().mkdir(exist_ok=True)
    for path, content in _contents().items():
        path.write_text(content, encoding="utf-8")
    return [str(path) for path in _contents()]


def problems() -> list[str]:
    """Return breaking changes, and documents that differ from the code."""
    drifted = [
        f"{path.name} is not what the code says: run `manage.py eventbus catalogue`"
        for path, content in _contents().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != content
    ]
    return breaking_changes() + drifted


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
    }
