"""A JSON parser that takes no liberties: one object, every name once, text that can be stored."""

import json
from decimal import Decimal
from typing import IO, Any, Final

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from identity import problems

DEEPEST: Final = 20


class StrictJSONParser(BaseParser):
    """Read a JSON object; everything doubtful about it is refused before a view sees it."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """Return the body's object; numbers with a fraction arrive as `Decimal`.

        Raises:
            ParseError: not JSON, not an object, a name twice, nested too deeply, unstorable text.
            problems.Problem: the body is larger than `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes.
        """
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise problems.Problem(problems.BODY_TOO_LARGE, detail=f"The limit is {limit} bytes.")
        return read_object(body)


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that the bytes spell.

    Raises:
        ParseError: see `StrictJSONParser.parse`.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique_names,
            parse_constant=_refuse_constant,
            parse_float=Decimal,
        )
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error
    except ValueError as error:
        raise ParseError(f"The body is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ParseError("The body must be a JSON object.")
    _check_depth_and_text(value)
    return value


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same name twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _check_depth_and_text(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        if not level:
            return
        level = [inner for outer in level for inner in _inner(outer)]
    raise ParseError("The JSON is nested too deeply.")


def _inner(value: Any) -> list[Any]:
    match value:
        case str():
            _check_text(value)
            return []
        case dict():
            return [*value.keys(), *value.values()]
        case list():
            return value
        case _:
            return []


def _check_text(text: str) -> None:
    # PostgreSQL stores neither, so they must not get past the door.
    if "\x00" in text:
        raise ParseError("The body contains a null character.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("The body contains half a surrogate pair.")
