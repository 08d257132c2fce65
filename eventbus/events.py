"""Events: frozen dataclasses with a versioned wire name, validated on both sides. Imports no Django."""

import dataclasses
import datetime
import re
import sys
from collections.abc import Callable
from typing import Any, ClassVar, Final, Self, TypeVar, dataclass_transform

import msgspec

from eventbus import sensitive
from eventbus.sensitive import Sensitive

__all__ = [
    "Event",
    "EventInvalid",
    "EventMisdeclared",
    "Sensitive",
    "UnknownEvent",
    "event",
    "upcast",
]

_DATES: Final = (datetime.datetime,)
WIRE_NAME: Final = re.compile(
    r"(?P<fact>(?P<app>[a-z][a-z0-9_]*)\.[a-z][a-z0-9_]*)\.v(?P<version>[1-9][0-9]*)"
)


class EventMisdeclared(TypeError):
    """An event class or an upcaster contradicts the rules; raised while its module is imported."""


class EventInvalid(ValueError):
    """The fields do not have the types that the event declares."""


class UnknownEvent(LookupError):
    """No class, or no chain of upcasters to a class, is known for this wire name."""


class Event:
    """Something that has happened. Subclasses say what, through `@event`."""

    wire_name: ClassVar[str]
    fact: ClassVar[str]
    version: ClassVar[int]
    app: ClassVar[str]
    key_field: ClassVar[str]
    source: ClassVar[str]
    sensitive_paths: ClassVar[frozenset[sensitive.Path]]
    blanks: ClassVar[dict[sensitive.Path, Any]]

    @property
    def partition_key(self) -> str:
        """Return the value of the key field as text: order is kept among events that share it."""
        return str(getattr(self, self.key_field))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values (ids, money and instants as strings), validated.

        Raises:
            EventInvalid: a field has the wrong type, an instant has no zone, a text holds NUL.
        """
        try:
            data: dict[str, Any] = msgspec.to_builtins(self, str_keys=True)
        except (TypeError, ValueError, NotImplementedError) as error:
            raise EventInvalid(f"{self.wire_name}: {error}") from error
        decoded = self.from_dict(data)
        # The second comparison tells 10.5 from Decimal("10.5"), which are equal.
        if decoded != self or msgspec.to_builtins(decoded, str_keys=True) != data:
            raise EventInvalid(f"{self.wire_name}: a field does not survive the wire unchanged")
        _refuse_unsafe(self.wire_name, msgspec.to_builtins(self, builtin_types=_DATES))
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the event that `data` describes; unknown fields are ignored.

        Raises:
            EventInvalid: a field is missing or has the wrong type.
        """
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            raise EventInvalid(f"{cls.wire_name}: {error}") from error

    @classmethod
    def field_names(cls) -> frozenset[str]:
        """Return the names of the declared fields."""
        return frozenset(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]

    def __repr__(self) -> str:
        """Show the fields with personal ones masked, so that an event can be logged."""
        shown = sensitive.masked(vars(self), self.sensitive_paths)
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


E = TypeVar("E", bound=Event)
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

TYPES: Final[dict[str, type[Event]]] = {}
"""Fact (`reservation.confirmed`) -> the class of its current version."""

UPCASTERS: Final[dict[str, Upcaster]] = {}
"""Wire name of an old version -> the function that makes the next one of it."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(wire_name: str, *, key: str) -> Callable[[type[E]], type[E]]:
    """Declare an event: `<app>.<fact>.v<N>`; `key` names the field whose order is kept.

    Raises:
        EventMisdeclared: bad or foreign name, a fact declared twice, unknown key field, a personal
            field that could not be erased.
    """

    line = sys._getframe(1).f_lineno

    def declare(cls: type[E]) -> type[E]:
        match = _parsed(wire_name)
        if match["app"] != cls.__module__.partition(".")[0]:
            raise EventMisdeclared(
                f"{wire_name} is declared in {cls.__module__}, not in its own app"
            )
        if match["fact"] in TYPES:
            raise EventMisdeclared(f"{match['fact']} is declared twice")
        cls.wire_name, cls.fact, cls.app = wire_name, match["fact"], match["app"]
        cls.version, cls.key_field = int(match["version"]), key
        cls.source = f"{cls.__module__.replace('.', '/')}.py:{line}"
        declared = dataclasses.dataclass(frozen=True, kw_only=True, repr=False)(cls)
        _check_fields(declared, key)
        declared.sensitive_paths = sensitive.paths_of(declared)
        declared.blanks = _blanks(declared)
        TYPES[declared.fact] = declared
        return declared

    return declare


def upcast(wire_name: str) -> Callable[[Upcaster], Upcaster]:
    """Declare how the data of this old version becomes the data of the next one.

    Raises:
        EventMisdeclared: bad name, or a second upcaster for the same version.
    """
    _parsed(wire_name)

    def declare(function: Upcaster) -> Upcaster:
        if wire_name in UPCASTERS:
            raise EventMisdeclared(f"{wire_name} has two upcasters")
        UPCASTERS[wire_name] = function
        return function

    return declare


def fact_of(wire_name: str) -> str:
    """Return the wire name without its version."""
    return wire_name.rpartition(".v")[0]


def decode(wire_name: str, data: dict[str, Any]) -> Event:
    """Return the event in its current version, upcast step by step from the stored one.

    Raises:
        UnknownEvent: no class for the fact, or no chain of upcasters to its version.
        EventInvalid: the data does not fit, or an upcaster failed on it.
    """
    cls = TYPES.get(fact_of(wire_name))
    if cls is None:
        raise UnknownEvent(f"{wire_name} is not declared in this process")
    name, data = wire_name, dict(data)
    while name != cls.wire_name:
        upcaster = UPCASTERS.get(name)
        if upcaster is None:
            raise UnknownEvent(f"nothing leads from {name} to {cls.wire_name}")
        try:
            data = upcaster(data)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise EventInvalid(f"upcasting {name} failed: {error!r}") from error
        name = next_version(name)
    return cls.from_dict(data)


def source_of(wire_name: str) -> str:
    """Return where an event is declared (`reservation/events.py:24`), or "" if it no longer is."""
    cls = TYPES.get(fact_of(wire_name))
    return cls.source if cls else ""


def version_of(wire_name: str) -> int:
    """Return the version that a wire name ends with."""
    return int(_parsed(wire_name)["version"])


def next_version(wire_name: str) -> str:
    """Return the wire name with its version raised by one."""
    return f"{fact_of(wire_name)}.v{version_of(wire_name) + 1}"


def _parsed(wire_name: str) -> re.Match[str]:
    match = WIRE_NAME.fullmatch(wire_name)
    if match is None:
        raise EventMisdeclared(f"{wire_name!r} is not of the form <app>.<fact>.v<N>")
    return match


def _check_fields(cls: type[Event], key: str) -> None:
    if key not in cls.field_names():
        raise EventMisdeclared(f"{cls.wire_name}: no field {key!r} to be the key")
    try:
        msgspec.json.Decoder(cls)
    except (TypeError, NameError) as error:
        raise EventMisdeclared(f"{cls.wire_name}: {error}") from error


def _blanks(cls: type[Event]) -> dict[sensitive.Path, Any]:
    try:
        return sensitive.blanks_of(cls)
    except sensitive.NotErasable as error:
        raise EventMisdeclared(f"{cls.wire_name}: {error}") from error


def _refuse_unsafe(wire_name: str, tree: Any) -> None:
    """Refuse what msgspec lets through and PostgreSQL or a reader elsewhere would not."""
    if isinstance(tree, datetime.datetime) and tree.utcoffset() is None:
        raise EventInvalid(f"{wire_name}: an instant has no time zone")
    if isinstance(tree, str) and "\0" in tree:
        raise EventInvalid(f"{wire_name}: a text holds the NUL character")
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, list | tuple):
        return
    for element in tree:
        _refuse_unsafe(wire_name, element)
