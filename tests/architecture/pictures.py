"""Draw the pictures of the documents from the code: `python -m tests.architecture.pictures`."""

import sys
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Final

import django

from tests.architecture.documents import ROOT

FOLDER: Final = ROOT / "docs" / "pictures"
INK, QUIET, PAPER, BOX = "#0f172a", "#475569", "#ffffff", "#f1f5f9"
BOOKING, CRM = "#dbeafe", "#dcfce7"
WIDTH: Final = 170
TALL: Final = 44


def drawn() -> dict[Path, str]:
    """Return every picture, by where it is kept."""
    return {
        FOLDER / "contexts.svg": contexts(),
        FOLDER / "flow.svg": flow(),
        FOLDER / "events.svg": events(),
    }


def contexts() -> str:
    """Draw the context map: Booking leads its services, CRM listens, the shared apps know no context."""
    from config import contexts as told  # noqa: PLC0415 - read when it is drawn

    leader, *services = told.CONTEXTS["booking"]
    parts = [_frame(20, 50, 570, 190, "Booking: orchestrates inside", BOOKING)]
    parts += [_box(220, 84, leader, "sagas.py: one table a flow")]
    for column, name in enumerate(services):
        x = 36 + column * (WIDTH + 14)
        parts += [_box(x, 172, name, "door: services.py")]
        parts += [_arrow(305, 84 + TALL, x + WIDTH // 2, 172)]
    parts += [_frame(690, 50, 210, 190, "CRM: listens", CRM)]
    parts += [_box(710, 128, told.CONTEXTS["crm"][0], "handlers.py: one line each")]
    parts += [_arrow(590, 150, 708, 150, dashed=True), _text(640, 140, "events", anchor="middle")]
    shared = ", ".join([*told.SHARED, *told.SHARED_PACKAGES])
    parts += [_frame(20, 262, 880, 40, f"shared, know no context: {shared}", BOX)]
    return _picture(920, 320, "Context map", parts)


def flow() -> str:
    """Draw the flow that books a trip, with what takes each step back."""
    from booking.orchestrator.diagram import boxes_of  # noqa: PLC0415 - models must be there
    from booking.orchestrator.svg import svg  # noqa: PLC0415
    from booking.sagas import CONFIRM_RESERVATION  # noqa: PLC0415

    boxes = boxes_of(CONFIRM_RESERVATION.shape(), CONFIRM_RESERVATION)
    return svg(boxes, title="Booking a trip", subtitle="reservation -> provider -> payment")


def events() -> str:
    """Draw which app says what, and who reacts."""
    from eventbus import catalogue  # noqa: PLC0415 - handlers must be there

    said = defaultdict(list)
    for entry in catalogue.collect():
        said[entry.event_type.app].append(entry)
    parts, y = [], 50
    for app, entries in said.items():
        parts += [_frame(20, y, 860, 30 + 24 * len(entries), f"{app} says", BOOKING)]
        for row, entry in enumerate(entries):
            down = y + 42 + 24 * row
            who = ", ".join(f"{h.group}: {h.function.__name__}" for h in entry.handlers)
            parts += [_text(40, down, entry.name, weight=600)]
            parts += [_arrow(330, down - 4, 420, down - 4, dashed=True)] if who else []
            parts += [_text(430, down, who or "nobody yet", colour=INK if who else QUIET)]
        y += 30 + 24 * len(entries) + 14
    return _picture(900, y + 6, "Who reacts to what", parts)


def _picture(wide: int, tall: int, title: str, parts: list[str]) -> str:
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0 0 8 4 0 8z" fill="{QUIET}"/></marker></defs>'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}" '
        f'role="img" aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
    )
    paper = f'<rect width="{wide}" height="{tall}" fill="{PAPER}"/>'
    named = _text(20, 28, title, size=17, weight=600)
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", tip, paper, named, *parts, "</svg>", ""]
    )


def _frame(x: int, y: int, wide: int, tall: int, title: str, fill: str) -> str:
    box = f'<rect x="{x}" y="{y}" width="{wide}" height="{tall}" rx="10" fill="{fill}"/>'
    return f"{box}{_text(x + 14, y + 22, title, weight=600)}"


def _box(x: int, y: int, name: str, note: str) -> str:
    box = f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{TALL}" rx="6" fill="{PAPER}" stroke="{QUIET}"/>'
    return f"{box}{_text(x + 10, y + 18, name, weight=600)}{_text(x + 10, y + 35, note, size=11, colour=QUIET)}"


def _arrow(x1: int, y1: int, x2: int, y2: int, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="5 3"' if dashed else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{QUIET}" stroke-width="1.5" marker-end="url(#tip)"{dash}/>'


def _text(
    x: int,
    y: int,
    text: str,
    *,
    size: int = 13,
    weight: int = 400,
    colour: str = INK,
    anchor: str = "start",
) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def main() -> int:
    """Draw all of them."""
    django.setup()
    FOLDER.mkdir(exist_ok=True)
    for path, picture in drawn().items():
        path.write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
