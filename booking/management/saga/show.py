"""`manage.py saga show`: a flow's table, or one saga with everything that happened to it."""

from datetime import datetime
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
    return Answer(value=value, lines=[*_stands(progress), "", *map(_line, entries)])


def _stands(progress: history.Progress) -> list[str]:
    """Return where the saga and each of its calls stand, and when the next try is due."""
    facts = {
        "saga": f"{progress.saga_id} {progress.name}",
        "state": f"{progress.state} {progress.reason}".strip(),
        "compensation": progress.compensation.replace("_", " ") or "nothing to take back",
        "waits for a person": progress.attention_reason or "",
        "looked at again": _time(progress.due_at),
        "deadline": _time(progress.deadline_at),
    }
    lines = [f"{name + ':':20} {fact}" for name, fact in facts.items() if fact]
    stake = [
        f"at stake: {one.amount} {one.currency}, {one.step} {one.item}".rstrip()
        for one in progress.exposure
    ]
    return [*lines, *stake, "", *map(_call, progress.calls)]


def _call(call: history.CallProgress) -> str:
    about = f"{call.direction} {call.step} {call.item}".strip()
    due = f"next try {_time(call.next_try_at)}" if call.next_try_at else ""
    said = f"{about:60} {call.state:10} tries {call.tries}  {call.reason}  {due}"
    return said.rstrip()


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


def _line(entry: history.Entry) -> str:
    about = f"{entry.step} {entry.item}".strip()
    return f"{entry.at:%H:%M:%S.%f} {entry.kind:13} {about:50} try {entry.tries}  {entry.code}"
