"""`manage.py saga graph`: a flow, or one saga as it stands, as a picture."""

from typing import Any, Final

from django.core.management.base import CommandParser

from booking.management.saga import lookup
from booking.management.saga.answer import Answer
from booking.orchestrator import history, operations
from booking.orchestrator.diagram import Box, boxes_of
from booking.orchestrator.mermaid import mermaid
from booking.orchestrator.plan import REGISTRY
from booking.orchestrator.svg import svg

HELP: Final = "a flow, or a saga by its or its subject's id, as a picture"


def declare(parser: CommandParser) -> None:
    """Declare what to draw and how."""
    parser.add_argument("what", nargs="?", default="confirm-reservation")
    parser.add_argument("--format", choices=["mermaid", "svg"], default="mermaid")


def run(options: dict[str, Any]) -> Answer:
    """Draw."""
    boxes, title, subtitle = _subject(options["what"])
    kind = options["format"]
    drawn = mermaid(boxes) if kind == "mermaid" else svg(boxes, title=title, subtitle=subtitle)
    return Answer(value={kind: drawn, "title": title, "subtitle": subtitle}, lines=[drawn])


def _subject(what: str) -> tuple[list[Box], str, str]:
    if what in REGISTRY:
        flow = REGISTRY[what]
        minutes = f"deadline {flow.deadline / 60:g} min"
        return boxes_of(flow.shape(), flow), f"{flow.name} v{flow.version}", minutes
    saga = lookup.saga(what)
    progress = history.progress_of(saga)
    boxes = boxes_of(operations.shape_of(saga), REGISTRY.get(saga.name), progress.calls)
    said = [saga.state, saga.reason, saga.attention_reason or ""]
    return boxes, f"{saga.name} v{saga.version} {saga.pk}", ": ".join(part for part in said if part)
