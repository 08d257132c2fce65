"""Run mutmut on a copy of the tree (`[tool.mutmut]` in pyproject.toml says what is broken) and judge the result.

Only pure code is broken here, so no server runs. Exit status 1: fewer than 95 % are noticed, or one that is
not noticed has no reason in docs/mutants.md.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from devstack.binaries import PROJECT
from devstack.virtualenv import Virtualenv

ENVIRONMENT: Final = Virtualenv(
    project=PROJECT, directory="var/mutants/venv", lock="requirements-mutants.txt"
)
TREE: Final = PROJECT / "var" / "mutants" / "tree"
REASONS: Final = PROJECT / "docs" / "mutants.md"
ENOUGH: Final = 95.0
NOTICED: Final = frozenset({"killed", "timeout", "suspicious"})
_NO_SERVERS: Final = {
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EVENTBUS_REDIS_URL": "redis://127.0.0.1:1/1",
}
"""Named, so that the tests start none; never spoken to."""


def main() -> int:
    """Break, test, count, compare with the reasons."""
    if not ENVIRONMENT.is_current():
        ENVIRONMENT.build()
        ENVIRONMENT.write_stamp()
    _copy()
    _mutmut("run", "--max-children", "2")
    became = _results(_mutmut("results", "--all", "true"))
    noticed = [name for name, what in became.items() if what in NOTICED]
    survivors = sorted(set(became) - set(noticed))
    share = 100 * len(noticed) / max(len(became), 1)
    reasons = REASONS.read_text()
    unexplained = [name for name in survivors if f"`{name.rpartition('.')[2]}`" not in reasons]
    _say(f"{len(became)} mutants, {len(noticed)} noticed ({share:.1f} %)")
    for name in survivors:
        _say(f"  {name}: {became[name]}{' (no reason given)' if name in unexplained else ''}")
    return 0 if share >= ENOUGH and not unexplained else 1


def _copy() -> None:
    """Copy what is under version control: mutmut writes beside what it breaks."""
    shutil.rmtree(TREE, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (source := PROJECT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, TREE / name)


def _mutmut(*words: str) -> str:
    program = Path(ENVIRONMENT.python).parent / "mutmut"
    done = subprocess.run(
        [str(program), *words],
        cwd=TREE,
        env={**os.environ, **_NO_SERVERS, "DJANGO_DEBUG": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout


def _results(text: str) -> dict[str, str]:
    """Read `name: what became of it` lines."""
    pairs = (line.strip().split(": ", 1) for line in text.splitlines() if ": " in line)
    return {name: what for name, what in pairs if "__mutmut_" in name}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
