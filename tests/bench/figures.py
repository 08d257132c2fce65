"""Figures as lines of one table, and the place in docs/performance.md where they are kept."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
START: Final = "<!-- figures:start -->\n"
END: Final = "<!-- figures:end -->"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line: what was measured, the value, and how far single rounds went."""

    what: str
    value: str
    spread: str = ""


def rounds(what: str, values: Sequence[float], *, digits: int = 0) -> Figure:
    """Return the median of several rounds with the lowest and the highest."""
    return Figure(
        what=what,
        value=f"{statistics.median(values):,.{digits}f}",
        spread=f"{min(values):,.{digits}f} to {max(values):,.{digits}f}",
    )


def percentiles(what: str, milliseconds: Sequence[float]) -> Figure:
    """Return p50 and p99 with the greatest, in milliseconds."""
    p50, p99 = quantile(milliseconds, 50), quantile(milliseconds, 99)
    return Figure(
        what=what, value=f"{p50:.0f} / {p99:.0f} ms", spread=f"at most {max(milliseconds):.0f} ms"
    )


def ratio(what: str, ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """Return the median of the rounds' ratios: each round's two values were taken side by side."""
    return rounds(what, [a / b for a, b in zip(ours, theirs, strict=True)], digits=2)


def quantile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def table(figures: Sequence[Figure], *, circumstances: str) -> str:
    """Return the figures as a Markdown table, under a line that says when and where."""
    lines = [f"| {line.what} | {line.value} | {line.spread} |" for line in figures]
    head = ["| what | median | single rounds |", "|---|---|---|"]
    return "\n".join([circumstances, "", *head, *lines]) + "\n"


def write(text: str) -> None:
    """Replace the table in the page.

    Raises:
        ValueError: the page has no place for it.
    """
    before, start, rest = PAGE.read_text().partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{PAGE} lacks {START.strip()} or {END}")
    PAGE.write_text(f"{before}{START}{text}{END}{after}")
