"""The contract as it was last agreed (`events.lock.json`), and what would break it."""

import json
from collections.abc import Iterator
from typing import Any

from eventbus import catalogue, events

Lock = dict[str, Any]


def current() -> Lock:
    """Return the contract as the code has it."""
    return {"events": {entry.name: _contract(entry) for entry in catalogue.collect()}}


def text(lock: Lock) -> str:
    """Return the contract as the file has it."""
    return json.dumps(lock, indent=2, sort_keys=True) + "\n"


def breaking_changes(*, before: Lock, after: Lock) -> list[str]:
    """Return what listeners, or rows that are already in the log, would not survive, naming the handlers."""
    return [
        f"{name}: {change}. Affected: {', '.join(contract['handlers']) or 'nobody yet'}."
        for name, contract in before["events"].items()
        for change in _changes(name, contract, after["events"])
    ]


def _contract(entry: catalogue.Entry) -> Lock:
    return {
        "context": entry.context,
        "key": entry.event_type.key_field,
        "fields": {
            field.path: {
                "type": field.type,
                "required": field.required,
                "sensitive": field.sensitive,
            }
            for field in entry.fields
        },
        "handlers": [f"{handler.group}:{handler.name}" for handler in entry.handlers],
    }


def _changes(name: str, before: Lock, events_after: dict[str, Lock]) -> Iterator[str]:
    after = events_after.get(name)
    if after is None:
        if not _succeeded(name, events_after):
            yield "is gone, and no later version with an upcaster follows it"
        return
    for what in ("context", "key"):
        if before[what] != after[what]:
            yield f"its {what} was {before[what]!r} and is {after[what]!r}"
    yield from _field_changes(before["fields"], after["fields"])


def _field_changes(before: dict[str, Lock], after: dict[str, Lock]) -> Iterator[str]:
    for path, field in before.items():
        if path not in after:
            yield f"field {path!r} is gone"
        elif after[path]["type"] != field["type"]:
            yield f"field {path!r} was {field['type']} and is {after[path]['type']}"
        elif after[path]["required"] and not field["required"]:
            yield f"field {path!r} was optional and is required"
    for path, field in after.items():
        if path not in before and field["required"]:
            yield f"field {path!r} is new and required, so rows in the log lack it"


def _succeeded(name: str, events_after: dict[str, Lock]) -> bool:
    """Return whether a chain of upcasters leads from this version to one that the code has."""
    while name in events.UPCASTERS:
        name = events.next_version(name)
        if name in events_after:
            return True
    return False
