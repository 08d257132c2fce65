"""A flow, or one run of it, as an SVG picture: links are lanes, steps above, what takes them back below.

The layout is a grid, so no layout engine is needed: one column for each step.
"""

import itertools
from collections.abc import Sequence
from html import escape
from typing import Final

from booking.orchestrator.diagram import LOOKS, Box, Mark

WIDTH: Final = 190
GAP: Final = 44
EDGE: Final = 24
TOP: Final = 92
LINE: Final = 18
HEAD: Final = 48
SPACE: Final = 58
INK: Final = "#0f172a"
QUIET: Final = "#475569"
LANE: Final = "#f1f5f9"


def svg(boxes: Sequence[Box], *, title: str, subtitle: str = "") -> str:
    """Return a standalone SVG document."""
    tall = HEAD + 4 + LINE * max((len(box.marks) for box in boxes), default=0)
    back_tall = HEAD + 4 + LINE * max((len(box.back) for box in boxes), default=0)
    back_top = TOP + tall + SPACE
    bottom = back_top + back_tall
    wide = EDGE * 2 + len(boxes) * (WIDTH + GAP) - GAP + 2 * EDGE
    parts = [*_lanes(boxes, bottom), *_heads(title, subtitle)]
    for column, box in enumerate(boxes):
        parts += _column(box, _x(column), tall, back_top, back_tall)
    parts += _arrows(boxes, TOP + HEAD // 2, back_top + HEAD // 2)
    name = escape(f"{title}. {subtitle}".strip(". "))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {bottom + EDGE}" width="{wide}" height="{bottom + EDGE}" role="img" aria-label="{name}" font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
            f"<title>{name}</title>",
            f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="{QUIET}"/></marker></defs>',
            f'<rect width="{wide}" height="{bottom + EDGE}" fill="#ffffff"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _x(column: int) -> int:
    return EDGE * 2 + column * (WIDTH + GAP)


def _heads(title: str, subtitle: str) -> list[str]:
    return [
        _text(EDGE, 26, title, size=17, weight=600, longest=100),
        _text(EDGE, 46, subtitle, colour=QUIET, longest=140),
    ]


def _lanes(boxes: Sequence[Box], bottom: int) -> list[str]:
    parts = []
    for link in dict.fromkeys(box.link for box in boxes):
        columns = [column for column, box in enumerate(boxes) if box.link == link]
        left, right = _x(columns[0]) - EDGE // 2, _x(columns[-1]) + WIDTH + EDGE // 2
        parts.append(
            f'<rect x="{left}" y="{TOP - 32}" width="{right - left}" height="{bottom - TOP + 44}" rx="10" fill="{LANE}"/>'
        )
        parts.append(_text(left + 10, TOP - 14, f"link {link}", colour=QUIET, weight=600))
    return parts


def _column(box: Box, x: int, tall: int, back_top: int, back_tall: int) -> list[str]:
    name = f"{box.step}{', each' if box.each else ''}"
    parts = _box(x, TOP, tall, name, box.operation, box.marks, box.state, double=box.pivot)
    if box.pivot:
        parts.append(_text(x + WIDTH - 10, TOP + 19, "PIVOT", size=10, weight=700, anchor="end"))
    if box.compensate:
        module, _, verb = box.compensate.rpartition(".")
        parts += _box(x, back_top, back_tall, verb, module, box.back, box.back_state, dashed=True)
        middle = x + WIDTH // 2
        parts.append(_arrow(middle, TOP + tall, middle, back_top, dashed=True))
        parts.append(
            _text(middle + 8, back_top - SPACE // 2 + 4, "compensate", size=11, colour=QUIET)
        )
    return parts


def _box(
    x: int,
    y: int,
    tall: int,
    title: str,
    note: str,
    marks: Sequence[Mark],
    state: str,
    *,
    double: bool = False,
    dashed: bool = False,
) -> list[str]:
    look = LOOKS[state]
    style = f'fill="{look.fill}" stroke="{look.line}" stroke-width="1.5"'
    style += ' stroke-dasharray="5 3"' if dashed else ""
    parts = [f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{tall}" rx="6" {style}/>']
    if double:
        parts.append(
            f'<rect x="{x + 4}" y="{y + 4}" width="{WIDTH - 8}" height="{tall - 8}" rx="4" fill="none" stroke="{look.line}"/>'
        )
    parts.append(_text(x + 12, y + 20, title, weight=600))
    parts.append(_text(x + 12, y + 37, note, size=11, colour=QUIET))
    for row, mark in enumerate(marks):
        said = mark.words
        down = y + HEAD + 10 + row * LINE
        parts.append(_text(x + 12, down, said, size=12, colour=LOOKS[mark.state].line, weight=600))
    return parts


def _arrows(boxes: Sequence[Box], forward: int, backward: int) -> list[str]:
    parts = [
        _arrow(_x(column) + WIDTH, forward, _x(column + 1), forward)
        for column in range(len(boxes) - 1)
    ]
    back = [column for column, box in enumerate(boxes) if box.compensate]
    for left, right in itertools.pairwise(back):
        parts.append(_arrow(_x(right), backward, _x(left) + WIDTH, backward, dashed=True))
    return parts


def _arrow(x1: int, y1: int, x2: int, y2: int, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="5 3"' if dashed else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{QUIET}" stroke-width="1.5" marker-end="url(#tip)"{dash}/>'


def _text(
    x: int,
    y: int,
    text: str,
    *,
    size: int = 13,
    colour: str = INK,
    weight: int = 400,
    anchor: str = "start",
    longest: int = 26,
) -> str:
    shown = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}" text-anchor="{anchor}">{escape(shown)}</text>'
