"""Draw the states of a saga and its moves, from the table that the database's trigger holds, too."""

from typing import Final

from tests.architecture import drawing

WIDE: Final = 130
HIGH: Final = 36
AT: Final = {
    "running": (30, 90),
    "pivoting": (340, 90),
    "finishing": (590, 90),
    "completed": (770, 90),
    "compensating": (340, 220),
    "failed": (590, 220),
    "cancelled": (590, 290),
}
WHY: Final = {
    ("running", "pivoting"): (196, 98, "the pivot is due"),
    ("running", "completed"): (480, 62, "a saga without a pivot"),
    ("running", "compensating"): (104, 178, "refused, deadline, cancelled, retries exhausted"),
    ("pivoting", "compensating"): (414, 178, "a definite no, or too late to send it"),
    ("pivoting", "finishing"): (502, 98, "captured"),
    ("finishing", "completed"): (0, 0, ""),
    ("compensating", "failed"): (0, 0, ""),
    ("compensating", "cancelled"): (0, 0, ""),
}
"""(From, to): where the reason is written, and the reason; "" where the names say it."""


def states() -> str:
    """Draw every state and every move; one that has no place here is a KeyError."""
    from booking.orchestrator.shape import MOVES  # noqa: PLC0415 - models must be there

    moves = [(begin.value, end.value) for begin, ends in MOVES.items() for end in sorted(ends)]
    parts = [_move(*AT[begin], *AT[end]) for begin, end in moves]
    parts += [
        _state(name, x, y) for name, (x, y) in AT.items() if name in {n for m in moves for n in m}
    ]
    parts += [
        drawing.text(*WHY[move][:2], WHY[move][2], size=12, over=True)
        for move in moves
        if WHY[move][2]
    ]
    return drawing.picture(920, 350, "States of a saga", parts)


def _state(name: str, x: int, y: int) -> str:
    box = f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="18" fill="{drawing.BOX}" stroke="{drawing.QUIET}"/>'
    return f"{box}{drawing.text(x + WIDE // 2, y + 23, name, weight=600, anchor='middle')}"


def _move(x1: int, y1: int, x2: int, y2: int) -> str:
    """Go straight on in a row, over it where something stands between, else down and to the right."""
    middle = HIGH // 2
    if y1 == y2 and x2 - x1 <= 2.5 * WIDE:
        return drawing.arrow(x1 + WIDE, y1 + middle, x2, y2 + middle)
    if y1 == y2:
        over = f"M{x1 + WIDE // 2} {y1} V{y1 - 22} H{x2 + WIDE // 2} V{y2 - 2}"
        return f'<path d="{over}" fill="none" stroke="{drawing.QUIET}" stroke-width="1.5" marker-end="url(#tip)"/>'
    if x1 == x2:
        return drawing.arrow(x1 + WIDE // 2, y1 + HIGH, x2 + WIDE // 2, y2)
    bend = f"M{x1 + WIDE // 2} {y1 + HIGH} V{y2 + middle} H{x2 - 2}"
    return f'<path d="{bend}" fill="none" stroke="{drawing.QUIET}" stroke-width="1.5" marker-end="url(#tip)"/>'
