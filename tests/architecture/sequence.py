"""Draw who asks whom when a trip is confirmed, from the request to the chain."""

from typing import Final, NamedTuple

from tests.architecture import drawing

WHO: Final = (
    "traveller",
    "booking/api",
    "confirmation.py",
    "PostgreSQL",
    "Redis (broker)",
    "worker",
)
APART: Final = 164
STEP: Final = 34


class Said(NamedTuple):
    """One arrow: from whom, to whom, what; `later` if nobody waits for it."""

    sender: str
    receiver: str
    words: str
    later: bool = False


CONFIRMING: Final = (
    Said("traveller", "booking/api", "POST reservations/{id}/confirm (Idempotency-Key)"),
    Said("booking/api", "confirmation.py", "confirm_reservation"),
    Said("confirmation.py", "PostgreSQL", "one transaction: reservation, saga, one row for each call"),
    Said("confirmation.py", "Redis (broker)", "after the commit: the chain", later=True),
    Said("booking/api", "traveller", "202, or the final answer within Prefer: wait=n", later=True),
    Said("Redis (broker)", "worker", 'run_link(saga, "reservation")', later=True),
    Said("worker", "PostgreSQL", "hold (local), authorise (claim)"),
    Said("worker", "worker", "call the card processor"),
    Said("worker", "PostgreSQL", "record, publish"),
    Said("Redis (broker)", "worker", 'then "provider", "payment"', later=True),
)  # fmt: skip


def confirming() -> str:
    """Draw the columns, then the arrows from top to bottom."""
    deep = 110 + STEP * len(CONFIRMING)
    parts = [part for who in WHO for part in _column(who, deep)]
    for row, said in enumerate(CONFIRMING):
        parts += _arrow(said, 118 + STEP * row)
    wide = 2 * 20 + APART * len(WHO)
    return drawing.picture(wide, deep + 20, "From a request to a booked trip", parts)


def _x(who: str) -> int:
    return 20 + APART * WHO.index(who) + APART // 2


def _column(who: str, deep: int) -> list[str]:
    x = _x(who)
    line = f'<line x1="{x}" y1="84" x2="{x}" y2="{deep}" stroke="{drawing.QUIET}" stroke-dasharray="2 4"/>'
    left, wide = x - APART // 2 + 4, APART - 8
    box = (
        f'<rect x="{left}" y="52" width="{wide}" height="32" rx="6" fill="{drawing.BOX}" '
        f'stroke="{drawing.QUIET}"/>'
    )
    return [line, box, drawing.text(x, 73, who, weight=600, size=12, anchor="middle")]


def _arrow(said: Said, y: int) -> list[str]:
    start, end = _x(said.sender), _x(said.receiver)
    if start == end:
        return [drawing.text(start - 8, y, said.words, size=12, anchor="end", over=True)]
    words = drawing.text(min(start, end) + 8, y - 8, said.words, size=12, over=True)
    return [drawing.arrow(start, y, end, y, dashed=said.later), words]
