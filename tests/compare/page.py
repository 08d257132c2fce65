"""`docs/rule-of-thumb.md`: the rule, the measured table, and each of the 26 bullets with what shows it."""

import json
from pathlib import Path
from typing import Any, Final

from tests.compare import bullets, reading, table
from tests.compare.bullets import Bullet

ROOT: Final = reading.ROOT
PAGE: Final = ROOT / "docs" / "rule-of-thumb.md"
FIGURES: Final = ROOT / "docs" / "comparison.json"
HEAD: Final = """# The rule of thumb, measured

Written by `make compare`, which measures everything again and writes this page; do not edit.

> **Orchestrate** a business flow inside one bounded context. **Choreograph** between contexts, with events.

Both losers run, too. [`examples/comparison/`](../examples/comparison/README.md) has Booking commanding CRM
({commanded} lines) and a trip booked by events between three services ({choreographed} lines), on the same
accounts, services, gateways, bus and sandbox as the winners. Neither is made worse than it has to be: the
losing events go through the same log, and a call keeps its key when its event comes again.

## The table
"""
NOTES: Final = """
How it is measured ([`tests/compare/`](../tests/compare/table.py)):

- *Files* are counted on a scratch copy on which the change is made: [the listener](how-to/listener.md), and the
  same for [the loser](../examples/comparison/README.md). *Places* are functions that react or speak, or tables.
- *Sign-up*: CRM is a process of its own; slow means that it takes longer than Booking waits, and then goes on.
- *What is left of a trip*: before the colon what the reservation says of itself, after it what stands in the ledgers of the
  partners and the card processor, which are kept by another process.
- *Crashes*: the process is killed before each request, after it with its answer unread, and before each commit; then a
  fresh one goes on. Where partners know keys both ways recover: a crash is no argument between them, silence and "no" are.
- *Questions* are requests to the API, or calls of a service's door.
- *Statements* are those of one trip from the command to its end, nobody else listening.
- *Milliseconds* are medians with real processes, one trip at a time. A slow hotel takes {slow:g} s to answer.
- *What varies*: milliseconds are of the machine and the hour named below; on a busy one both columns rise, so read which is
  larger, and by how much. Statements may differ by three, as something is still remembered or looked up again. All else comes
  out the same on any machine: a test measures it again.

{circumstances}

## What is said for and against, and what shows it here

The article that the rule comes from names {count} pros, cons and reasons. `cell` is a row of the table above;
everything else is a test that passes.
"""


def text(found: dict[str, Any]) -> str:
    """Return the page, from what was measured."""
    head = HEAD.format(**found["reading.lines_of_code"])
    notes = NOTES.format(
        circumstances=found["circumstances"], slow=found["slow"], count=len(bullets.BULLETS)
    )
    return "\n".join([head, table.as_markdown(table.rows(found)), notes, _bullets(), ""])


def read() -> dict[str, Any]:
    """Return what was measured last."""
    found: dict[str, Any] = json.loads(FIGURES.read_text())
    return found


def write(found: dict[str, Any]) -> list[Path]:
    """Keep what was measured, and write the page."""
    FIGURES.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(text(found))
    return [PAGE, FIGURES]


def _bullets() -> str:
    parts = list(dict.fromkeys(bullet.part for bullet in bullets.BULLETS))
    lines, number = [], 0
    for part in parts:
        lines += [f"### {part}", "", "| | said | here | shown by |", "|---|---|---|---|"]
        for bullet in (one for one in bullets.BULLETS if one.part == part):
            number += 1
            lines.append(f"| {number} | {bullet.says} | {bullet.here} | {_evidence(bullet)} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def _evidence(bullet: Bullet) -> str:
    return "<br>".join(_shown(one) for one in bullet.evidence)


def _shown(evidence: str) -> str:
    if evidence.startswith("cell:"):
        return f"cell *{evidence.removeprefix('cell:')}*"
    path, _, name = evidence.partition("::")
    return f"[`{name or Path(path).name}`](../{path})"
