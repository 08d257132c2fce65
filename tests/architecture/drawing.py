"""What the pictures of the documents are drawn with: SVG as text, in pixels."""

from html import escape
from typing import Final

INK, QUIET, PAPER, BOX = "#0f172a", "#475569", "#ffffff", "#f1f5f9"
BOOKING, CRM = "#dbeafe", "#dcfce7"
WIDTH: Final = 170
TALL: Final = 44


def picture(wide: int, tall: int, title: str, parts: list[str]) -> str:
    """Return a whole picture: its title, then its parts."""
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0 0 8 4 0 8z" fill="{QUIET}"/></marker></defs>'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}" '
        f'role="img" aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
    )
    paper = f'<rect width="{wide}" height="{tall}" fill="{PAPER}"/>'
    named = text(20, 28, title, size=17, weight=600)
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", tip, paper, named, *parts, "</svg>", ""]
    )


def frame(x: int, y: int, wide: int, tall: int, title: str, fill: str) -> str:
    """Draw an area with a title."""
    box = f'<rect x="{x}" y="{y}" width="{wide}" height="{tall}" rx="10" fill="{fill}"/>'
    return f"{box}{text(x + 14, y + 22, title, weight=600)}"


def box(x: int, y: int, name: str, note: str) -> str:
    """Draw something with a name and a note."""
    box = f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{TALL}" rx="6" fill="{PAPER}" stroke="{QUIET}"/>'
    return f"{box}{text(x + 10, y + 18, name, weight=600)}{text(x + 10, y + 35, note, size=11, colour=QUIET)}"


def arrow(x1: int, y1: int, x2: int, y2: int, *, dashed: bool = False) -> str:
    """Draw an arrow, from the first point to the second."""
    dash = ' stroke-dasharray="5 3"' if dashed else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{QUIET}" stroke-width="1.5" marker-end="url(#tip)"{dash}/>'


def text(
    x: int,
    y: int,
    text: str,
    *,
    size: int = 13,
    weight: int = 400,
    colour: str = INK,
    anchor: str = "start",
    over: bool = False,
) -> str:
    """Write a line; `over` lets it be read over what is drawn beneath."""
    halo = f' stroke="{PAPER}" stroke-width="4" paint-order="stroke"' if over else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}" text-anchor="{anchor}"{halo}>{escape(text)}</text>'
