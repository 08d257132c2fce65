"""Break the code by mutmut, part by part, in a copy of the tree, and judge the result.

Exit status 1: of a part fewer than 95 % are noticed, or one that is not noticed has no reason in
docs/mutants.md. Exit status 2: the tests did not run, so nothing can be said.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devstack.binaries import PROJECT
from devstack.servers import Servers
from tests.mutants.breaking import Breaking, DidNotRun
from tests.mutants.parts import PARTS, Part

REASONS: Final = PROJECT / "docs" / "mutants.md"
SERVERS: Final = PROJECT / "var" / "mutants" / "servers"
ENOUGH: Final = 95.0
NOTICED: Final = frozenset({"killed", "timeout"})


def main() -> int:
    """Break, test, count, compare with the reasons."""
    asked = _parse()
    SERVERS.mkdir(parents=True, exist_ok=True)
    with Servers(directory=SERVERS, throwaway=True, durable=False, own=True) as servers:
        breaking = Breaking(servers.env)
        try:
            breaking.prepare()
            became = {part: breaking.run(part, asked.only) for part in asked.parts}
        except DidNotRun as error:
            _say(str(error))
            return 2
    enough = [_judge(part, found) for part, found in became.items()]
    return 0 if all(enough) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(p.name for p in PARTS))
    parser.add_argument("--only", default="", metavar="FILE", help="break this file of them alone")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - {part.name for part in PARTS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    asked.parts = [part for part in PARTS if not asked.parts or part.name in asked.parts]
    return asked


def _judge(part: Part, became: Mapping[str, str]) -> bool:
    """Print what became of the mutants of each file; return whether it is enough."""
    files: dict[str, Counter[str]] = {}
    for name, what in became.items():
        files.setdefault(_file_of(name), Counter()).update([what, "all"])
    for file, counted in files.items():
        _say(_figures(file, counted))
    total = sum(files.values(), Counter[str]())
    _say(_figures(part.name, total))
    reasons = REASONS.read_text()
    survivors = sorted(name for name, what in became.items() if what not in NOTICED)
    unexplained = [name for name in survivors if f"`{_short(name)}`" not in reasons]
    for name in survivors:
        _say(f"  {name}: {became[name]}{' (no reason given)' if name in unexplained else ''}")
    return _share(total) >= ENOUGH and not unexplained


def _figures(what: str, counted: Counter[str]) -> str:
    return (
        f"{what}: {counted['all']} mutants, {_noticed(counted)} noticed ({_share(counted):.1f} %), "
        f"{counted['timeout']} of them by taking too long"
    )


def _noticed(counted: Counter[str]) -> int:
    return sum(counted[what] for what in NOTICED)


def _share(counted: Counter[str]) -> float:
    return 100 * _noticed(counted) / max(counted["all"], 1)


def _file_of(mutant: str) -> str:
    return str(Path(*mutant.rpartition(".")[0].split(".")).with_suffix(".py"))


def _short(mutant: str) -> str:
    """Return a mutant's name with only the last word of its module: so the reasons name it."""
    return ".".join(mutant.split(".")[-2:])


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
