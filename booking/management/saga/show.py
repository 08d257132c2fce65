"""`manage.py saga show`: a flow's table, or one saga with everything that happened to it."""

from typing import Any, Final

from django.core.management.base import CommandParser

from booking.management.saga import lookup
from booking.management.saga.answer import Answer
from booking.orchestrator import drawing, history
from booking.orchestrator.plan import REGISTRY

HELP: Final = "a saga by its or its subject's id, or a flow's table"


def declare(parser: CommandParser) -> None:
    """Declare what to show."""
    parser.add_argument("what", nargs="?", default="confirm-reservation")


def run(options: dict[str, Any]) -> Answer:
    """Show a flow's table and chain, or one saga's state and timeline."""
    what = options["what"]
    if what in REGISTRY:
        table = drawing.table(REGISTRY[what])
        return Answer(value=table, lines=[drawing.as_text(table)])
    saga = lookup.saga(what)
    progress = history.progress_of(saga)
    entries = history.timeline(subject_id=saga.subject_id)
    value = {"progress": progress, "timeline": entries}
    lines = [_line(entry) for entry in entries]
    lines += [
        f"at stake: {one.amount} {one.currency}, {one.step} {one.item}".rstrip()
        for one in progress.exposure
    ]
    return Answer(value=value, lines=lines)


def _line(entry: history.Entry) -> str:
    about = f"{entry.step} {entry.item}".strip()
    return f"{entry.at:%H:%M:%S.%f} {entry.kind:13} {about:50} try {entry.tries}  {entry.code}"
