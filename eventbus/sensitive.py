"""Personal fields: how they are marked, found and masked. Imports no Django."""

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

import msgspec

T = TypeVar("T")
Path = tuple[str, ...]
"""Field names from the event down; `*` stands for every element of a sequence."""

MARK: Final = msgspec.Meta(extra={"sensitive": True}, extra_json_schema={"x-personal": True})
Sensitive = Annotated[T, MARK]
MASK: Final = "•••"
BLANKS: Final[dict[Any, Any]] = {
    str: "erased",
    int: 0,
    float: 0.0,
    bool: False,
    Decimal: "0",
    tuple: [],
    list: [],
    dict: {},
}


class NotErasable(TypeError):
    """No value of this type says nothing: mark its parts, make it optional, or use a plain type."""


def paths_of(cls: type) -> frozenset[Path]:
    """Return where personal fields are within a dataclass, nested ones included."""
    return frozenset(path for path, _ in _walk(cls, ()))


def blanks_of(cls: type) -> dict[Path, Any]:
    """Return for each personal field the value that replaces it when it is erased.

    Raises:
        NotErasable: the field's type has none.
    """
    return {path: _blank(hint) for path, hint in _walk(cls, ())}


def masked(data: Mapping[str, Any], paths: frozenset[Path]) -> dict[str, Any]:
    """Return a copy of the fields with every personal value replaced by a mask."""
    return overwritten(data, dict.fromkeys(paths, MASK))


def overwritten(data: Mapping[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return a copy of the fields with the value at each path replaced, unless it is None."""
    copy = dict(data)
    for path, value in values.items():
        _replace(copy, path, value)
    return copy


def _blank(hint: Any) -> Any:
    inner = hint.__origin__
    arguments = typing.get_args(inner)
    if type(None) in arguments:
        return None
    kind = typing.get_origin(inner) or inner
    if kind is tuple and Ellipsis not in arguments:
        kind = None
    try:
        return BLANKS[kind]
    except KeyError as error:
        raise NotErasable(f"{inner} has no value that says nothing") from error


def _walk(hint: Any, prefix: Path) -> Iterator[tuple[Path, Any]]:
    if MARK in getattr(hint, "__metadata__", ()):
        yield prefix, hint
    elif dataclasses.is_dataclass(hint):
        for name, inner in typing.get_type_hints(hint, include_extras=True).items():
            if typing.get_origin(inner) is not typing.ClassVar:
                yield from _walk(inner, (*prefix, name))
    else:
        is_sequence = typing.get_origin(hint) in (tuple, list)
        for inner in typing.get_args(hint):
            yield from _walk(inner, (*prefix, "*") if is_sequence else prefix)


def _replace(data: dict[str, Any], path: Path, by: Any) -> None:
    name, rest = path[0], path[1:]
    value = data.get(name)
    if value is None:
        return
    if not rest:
        data[name] = by
    elif rest[0] == "*":
        data[name] = [_replaced(element, rest[1:], by) for element in value]
    else:
        data[name] = _replaced(value, rest, by)


def _replaced(value: Any, path: Path, by: Any) -> Any:
    if not path:
        return by
    fields = dict(value) if isinstance(value, Mapping) else dict(vars(value))
    _replace(fields, path, by)
    return fields
