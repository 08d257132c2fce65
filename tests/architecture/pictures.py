"""Draw the pictures of the documents from the code: `python -m tests.architecture.pictures`."""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

import django

from tests.architecture import drawing, sequence, states
from tests.architecture.documents import ROOT

FOLDER: Final = ROOT / "docs" / "pictures"
OUTSIDE: Final = {"providers": "partners", "payments": "card processor"}
"""Whom a service speaks to."""


def drawn() -> dict[Path, str]:
    """Return every picture, by where it is kept."""
    return {
        FOLDER / "contexts.svg": contexts(),
        FOLDER / "flow.svg": flow(),
        FOLDER / "events.svg": events(),
        FOLDER / "confirming.svg": sequence.confirming(),
        FOLDER / "states.svg": states.states(),
    }


def contexts() -> str:
    """Draw the context map: Booking leads its services, CRM listens, the shared apps know no context."""
    from config import contexts as told  # noqa: PLC0415 - read when it is drawn

    leader, *services = told.CONTEXTS["booking"]
    middle, below = 305, 172 + drawing.TALL
    parts = [drawing.frame(20, 92, 570, 190, "Booking: orchestrates inside", drawing.BOOKING)]
    parts += _outside(middle, 58, "traveller", 126)
    parts += [drawing.box(220, 126, leader, "sagas.py: one table a flow")]
    for column, name in enumerate(services):
        x = 36 + column * (drawing.WIDTH + 14)
        parts += [drawing.box(x, 214, name, "door: services.py")]
        parts += [drawing.arrow(middle, 126 + drawing.TALL, x + drawing.WIDTH // 2, 214)]
        if name in OUTSIDE:
            parts += _outside(x + drawing.WIDTH // 2, 330, OUTSIDE[name], 42 + below)
    parts += [drawing.frame(690, 92, 210, 190, "CRM: listens", drawing.CRM)]
    parts += _outside(840, 58, "staff of the partners", 170)
    parts += [drawing.box(710, 170, told.CONTEXTS["crm"][0], "handlers.py: one line each")]
    parts += [
        drawing.arrow(590, 192, 708, 192, dashed=True),
        drawing.text(640, 182, "events", anchor="middle"),
    ]
    shared = ", ".join([*told.SHARED, *told.SHARED_PACKAGES])
    parts += [drawing.frame(20, 352, 880, 40, f"shared, know no context: {shared}", drawing.BOX)]
    return drawing.picture(920, 410, "Context map", parts)


def _outside(x: int, y: int, who: str, door: int) -> list[str]:
    """Draw somebody outside, above or below, and the HTTP between them and the door."""
    start, end = (y + 6, door) if y < door else (door, y - 16)
    words = drawing.text(x + 8, (start + end) // 2 + 8, "HTTP", size=11, colour=drawing.QUIET)
    arrow = drawing.arrow(x, start, x, end)
    return [arrow, drawing.text(x, y, who, anchor="middle"), words]


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
        parts += [drawing.frame(20, y, 860, 30 + 24 * len(entries), f"{app} says", drawing.BOOKING)]
        for row, entry in enumerate(entries):
            down = y + 42 + 24 * row
            who = ", ".join(f"{h.group}: {h.function.__name__}" for h in entry.handlers)
            parts += [drawing.text(40, down, entry.name, weight=600)]
            parts += [drawing.arrow(330, down - 4, 420, down - 4, dashed=True)] if who else []
            parts += [
                drawing.text(
                    430, down, who or "nobody yet", colour=drawing.INK if who else drawing.QUIET
                )
            ]
        y += 30 + 24 * len(entries) + 14
    return drawing.picture(900, y + 6, "Who reacts to what", parts)


def main() -> int:
    """Draw all of them."""
    django.setup()
    FOLDER.mkdir(exist_ok=True)
    for path, picture in drawn().items():
        path.write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
