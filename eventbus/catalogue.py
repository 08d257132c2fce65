"""Who publishes what, and who reacts: collected from the code that is imported."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings

from eventbus import events, sensitive, streams, subscribe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One field of an event; nested ones have a path such as `legs[].amount`."""

    path: str
    type: str
    required: bool
    sensitive: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One event with its owner and everybody who reacts."""

    event_type: type[events.Event]
    context: str
    fields: tuple[Field, ...]
    handlers: tuple[subscribe.Handler, ...]

    @property
    def name(self) -> str:
        """Return the wire name."""
        return self.event_type.wire_name

    @property
    def description(self) -> str:
        """Return the docstring as one line."""
        return " ".join((inspect.getdoc(self.event_type) or "").split())


def collect() -> list[Entry]:
    """Return every event that a context owns, sorted by wire name."""
    owned = [cls for cls in events.TYPES.values() if cls.app in settings.EVENTBUS_OWNERS]
    return [_entry(cls) for cls in sorted(owned, key=lambda cls: cls.wire_name)]


def groups() -> list[subscribe.Group]:
    """Return every group that a context declares, sorted by name."""
    owned = [g for g in subscribe.GROUPS.values() if app_of(g) in settings.EVENTBUS_OWNERS]
    return sorted(owned, key=lambda group: group.name)


def app_of(group: subscribe.Group) -> str:
    """Return the app that declares a group."""
    return group.module.partition(".")[0]


def place_of(module: str) -> str:
    """Return a module as a path; without a line number, which would go stale with every edit above it."""
    return f"{module.replace('.', '/')}.py"


def _entry(cls: type[events.Event]) -> Entry:
    return Entry(
        event_type=cls,
        context=streams.stream_of(cls.app),
        fields=tuple(_fields(cls, "")),
        handlers=tuple(handler for group in groups() for handler in group.handlers_of(cls.fact)),
    )


def _fields(cls: Any, prefix: str) -> Iterator[Field]:
    hints = typing.get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        hint, path = hints[field.name], prefix + field.name
        yield Field(
            path=path,
            type=_type_text(hint),
            required=field.default is field.default_factory is dataclasses.MISSING,
            sensitive=sensitive.MARK in getattr(hint, "__metadata__", ()),
        )
        yield from _nested(hint, path)


def _nested(hint: Any, path: str) -> Iterator[Field]:
    if dataclasses.is_dataclass(hint):
        yield from _fields(hint, f"{path}.")
        return
    is_sequence = typing.get_origin(hint) in (tuple, list)
    for inner in typing.get_args(hint):
        yield from _nested(inner, f"{path}[]" if is_sequence else path)


UNIONS: Final = (typing.Union, types.UnionType)


def _type_text(hint: Any) -> str:
    """Return a type as a reader says it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hasattr(hint, "__metadata__"):
        return _type_text(hint.__origin__)
    if origin in UNIONS:
        return " | ".join(_type_text(argument) for argument in arguments)
    if origin in (tuple, list):
        return f"list of {_type_text(arguments[0])}"
    if origin is typing.Literal:
        return " | ".join(repr(argument) for argument in arguments)
    if hint is type(None):
        return "None"
    return hint.__name__ if isinstance(hint, type) and not arguments else str(hint)
