"""Charts as inline SVG: no script draws them, nothing is fetched. Each is read out as a sentence, too."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Final

from django.utils.safestring import SafeString, mark_safe

BAR: Final = 22
"""The height of a bar in `bars`, in pixels."""
WIDE: Final = 440
LABEL: Final = 110
TALL: Final = 120
"""The height of `columns`, without its labels."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One bar: `shown` is its value in words, `tone` a class of the style sheet."""

    label: str
    amount: Decimal
    shown: str
    tone: str = "plain"


def bars(values: Sequence[Value], *, title: str) -> SafeString:
    """Return lying bars with their labels before and their values behind them."""
    most = max((value.amount for value in values), default=Decimal(0)) or Decimal(1)
    room = WIDE - LABEL - 70
    parts = []
    for row, value in enumerate(values):
        y, length = row * (BAR + 10), max(int(room * value.amount / most), 2)
        parts.append(_text(LABEL - 10, y + 16, value.label, anchor="end"))
        parts.append(
            f'<rect class="office-chart-{escape(value.tone)}" x="{LABEL}" y="{y}" width="{length}" height="{BAR}" rx="4"/>'
        )
        parts.append(_text(LABEL + length + 8, y + 16, value.shown))
    return _svg(parts, values, title=title, tall=len(values) * (BAR + 10))


def columns(values: Sequence[Value], *, title: str) -> SafeString:
    """Return standing columns over time, the first and the last of them labelled."""
    most = max((value.amount for value in values), default=Decimal(0)) or Decimal(1)
    width = WIDE / max(len(values), 1)
    parts = [f'<line class="office-chart-axis" x1="0" y1="{TALL}" x2="{WIDE}" y2="{TALL}"/>']
    for column, value in enumerate(values):
        height = int((TALL - 20) * value.amount / most)
        x = column * width
        parts.append(
            f'<rect class="office-chart-{escape(value.tone)}" x="{x + width * 0.15:.1f}" y="{TALL - height}" width="{width * 0.7:.1f}" height="{height}" rx="3"><title>{escape(value.label)}: {escape(value.shown)}</title></rect>'
        )
    if values:
        parts.append(_text(0, TALL + 18, values[0].label))
        parts.append(_text(WIDE, TALL + 18, values[-1].label, anchor="end"))
    return _svg(parts, values, title=title, tall=TALL + 26)


def _svg(parts: list[str], values: Sequence[Value], *, title: str, tall: int) -> SafeString:
    told = ", ".join(f"{value.label} {value.shown}" for value in values) or "nothing"
    name = escape(f"{title}: {told}")
    # Every text in it is escaped above.
    return mark_safe(  # noqa: S308
        f'<svg class="office-chart" viewBox="0 0 {WIDE} {max(tall, 1)}" role="img" aria-label="{name}">'
        + "".join(parts)
        + "</svg>"
    )


def _text(x: int, y: int, text: str, *, anchor: str = "start") -> str:
    return f'<text class="office-chart-text" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
