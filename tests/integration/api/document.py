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

    @property
    def authenticated(self) -> tuple[str, ...]:
        """The header that says who asks, where somebody must."""
        return ("Authorization",) if "security" in self.described else ()

    def parameters(self, where: str) -> list[str]:
        """Return the names of the parameters in the query, the header or the path."""
        found = self.described.get("parameters", [])
        return [one["name"] for one in found if one["in"] == where]

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
