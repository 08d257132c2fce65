"""What a subcommand answers, and why it could not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

OK: Final = 0
WRONG: Final = 1
BAD_ARGUMENTS: Final = 2
NOT_FOUND: Final = 3
NOT_ALLOWED: Final = 4
"""Exit statuses: WRONG = looked and found something wrong; after the last three nothing was done."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The same answer for a program (`value`, JSON-ready) and for a person (`lines`)."""

    value: Any
    lines: Sequence[str] = field(default_factory=list)
    status: int = OK


class Declined(Exception):
    """The subcommand did nothing; `code` is stable, `status` is the exit status."""

    def __init__(self, code: str, message: str, *, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
