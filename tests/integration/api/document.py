"""The operations of the API, as its own document names them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drf_spectacular.generators import SchemaGenerator

PREFIX = "/api/v1/"


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    described: dict[str, Any]

    @property
    def has_body(self) -> bool:
        """Whether the document describes a body."""
        return "requestBody" in self.described

    def at(self, **parts: object) -> str:
        """Return the address with its parts filled in."""
        return self.path.format(**{name: str(value) for name, value in parts.items()})


def read() -> dict[str, Any]:
    """Return the document as it is served."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def operations() -> Iterator[Operation]:
    """Yield every operation."""
    for path, methods in read()["paths"].items():
        for method, described in methods.items():
            yield Operation(described["operationId"], method, path, described)
