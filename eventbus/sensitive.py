"""Personal fields: how they are marked, found and masked. Imports no Django."""

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec

T = TypeVar("T")
Path = tuple[str, ...]
"""Field names from the event down; `*` stands for every element of a sequence."""

MARK: Final = msgspec.Meta(extra={"sensitive": True})
Sensitive = Annotated[T, MARK]
MASK: Final = "•••"


def paths_of(cls: type) -> frozenset[Path]:
    """Return where personal fields are within a dataclass, nested ones included."""
    return frozenset(_walk(cls, ()))


def masked(data: Mapping[str, Any], paths: frozenset[Path]) -> dict[str, Any]:
    """Return a copy of the fields with every personal value replaced by a mask."""
    copy = dict(data)
    for path in paths:
        _replace(copy, path)
    return copy


def _walk(hint: Any, prefix: Path) -> Iterator[Path]:
    if MARK in getattr(hint, "__metadata__", ()):
        yield prefix
    elif dataclasses.is_dataclass(hint):
        for name, inner in typing.get_type_hints(hint, include_extras=True).items():
            if typing.get_origin(inner) is not typing.ClassVar:
                yield from _walk(inner, (*prefix, name))
    else:
        is_sequence = typing.get_origin(hint) in (tuple, list)
        for inner in typing.get_args(hint):
            yield from _walk(inner, (*prefix, "*") if is_sequence else prefix)


def _replace(data: dict[str, Any], path: Path) -> None:
    name, rest = path[0], path[1:]
    value = data.get(name)
    if value is None:
        return
    if not rest:
        data[name] = MASK
    elif rest[0] == "*":
        data[name] = [_masked_element(element, rest[1:]) for element in value]
    else:
        data[name] = _masked_element(value, rest)


def _masked_element(value: Any, path: Path) -> Any:
    if not path:
        return MASK
    fields = dict(value) if isinstance(value, Mapping) else dict(vars(value))
    _replace(fields, path)
    return fields
