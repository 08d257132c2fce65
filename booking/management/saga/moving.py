"""What the subcommands that move a saga have in common: who, why, and what is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from django.core.management.base import CommandParser

from booking.management.saga.answer import NOT_ALLOWED, NOT_FOUND, Declined
from booking.orchestrator import control, store

_REFUSALS: Final = (
    control.NotParked,
    control.NotResolvable,
    control.TooLate,
    control.TurningBack,
)


def declare(parser: CommandParser, *, why: str = "--reason") -> None:
    """Ask for the saga, and for who does it and why: both are kept in its history."""
    parser.add_argument("saga_id", type=UUID)
    declare_who(parser, why=why)


def declare_who(parser: CommandParser, *, why: str = "--reason") -> None:
    """Ask for who does it and why."""
    parser.add_argument("--actor", required=True, type=_said, help="who does it")
    parser.add_argument(why, required=True, type=_said, help="why; kept in the saga's history")


@contextmanager
def declining() -> Iterator[None]:
    """Turn the engine's refusals into this command's.

    Raises:
        Declined: the engine refused.
    """
    try:
        yield
    except store.SagaNotFound as error:
        raise Declined("saga_not_found", f"no saga {error}", status=NOT_FOUND) from error
    except _REFUSALS as error:
        raise Declined(error.code, str(error), status=NOT_ALLOWED) from error


def _said(text: str) -> str:
    """Take a text that says something."""
    if not text.strip():
        raise ValueError(text)
    return text.strip()
