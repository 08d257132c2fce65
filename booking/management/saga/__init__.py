"""The subcommands of `manage.py saga`, one file each: `HELP`, `declare(parser)` and `run(options)`.

A new one is a new file and a line in `VERBS`.
"""

from types import ModuleType
from typing import Final

from booking.management.saga import (
    audit,
    cancel,
    check,
    graph,
    listing,
    lock,
    purge,
    resolve,
    retry,
    show,
    simulate,
    sweep,
)

VERBS: Final[dict[str, ModuleType]] = {
    "sweep": sweep,
    "list": listing,
    "show": show,
    "graph": graph,
    "retry": retry,
    "resolve": resolve,
    "cancel": cancel,
    "purge": purge,
    "check": check,
    "audit": audit,
    "lock": lock,
    "simulate": simulate,
}
"""What can be asked, by the word that asks for it."""
