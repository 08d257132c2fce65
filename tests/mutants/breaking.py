"""Running mutmut on a copy of the tree, with servers that are started once."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devstack.binaries import PROJECT
from devstack.virtualenv import Virtualenv
from tests import tree
from tests.mutants import places
from tests.mutants.parts import Part

HOME: Final = PROJECT / "var" / "mutants"
ENVIRONMENT: Final = Virtualenv(
    project=PROJECT, directory="var/mutants/venv", lock="requirements-mutants.txt"
)
TREE: Final = HOME / "tree"
LOCKS: Final = HOME / "locks"
AT_A_TIME: Final = "2"
# Too long: so many times what the tests took on the unbroken code, and some seconds for the start.
PATIENCE: Final = {"timeout_multiplier": "6", "timeout_constant": "3"}


class DidNotRun(Exception):
    """mutmut could not do its work; the message has its last words."""


class Breaking:
    """One copy of the tree for each part, one pair of servers for all."""

    def __init__(self, servers: Mapping[str, str]) -> None:
        """Take the addresses of the servers."""
        self._env = {**os.environ, **servers, "DJANGO_DEBUG": "1", places.LOCKS: str(LOCKS)}

    def prepare(self) -> None:
        """Install mutmut beside what the tests need, and migrate the database that the runs copy.

        Raises:
            DidNotRun: it cannot be migrated.
        """
        if not ENVIRONMENT.is_current():
            ENVIRONMENT.build()
            ENVIRONMENT.write_stamp()
        LOCKS.mkdir(parents=True, exist_ok=True)
        self._run([str(ENVIRONMENT.python), "manage.py", "migrate", "--verbosity=0"], PROJECT)

    def run(self, part: Part, only: str = "") -> dict[str, str]:
        """Break a part (or of it `only` one file); return what became of each mutant, in mutmut's words.

        Raises:
            DidNotRun: the tests fail on the unbroken code, or cannot be found.
        """
        shutil.rmtree(TREE, ignore_errors=True)  # mutmut writes beside what it breaks
        tree.copy(TREE)
        names = [name for name in part.breaks if only in name]
        (TREE / "setup.cfg").write_text(_configuration(part, names))
        mutmut = str(Path(ENVIRONMENT.python).parent / "mutmut")
        self._run([mutmut, "run", "--max-children", AT_A_TIME], TREE)
        became = _results(self._run([mutmut, "results", "--all", "true"], TREE))
        if not became or "not checked" in became.values():
            raise DidNotRun(f"{part.name}: mutmut has not tried every mutant")
        return became

    def _run(self, command: list[str], directory: Path) -> str:
        """Run a command to its end; return what it printed."""
        done = subprocess.run(
            command,
            cwd=directory,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DidNotRun(f"{' '.join(command)}\n{done.stdout[-4000:]}")
        return done.stdout


def _configuration(part: Part, breaks: list[str]) -> str:
    """Return mutmut's part of a setup.cfg; it reads that because pyproject.toml says nothing of it."""
    beside = sorted(set(os.listdir(TREE)) - {part.package, "tests", "setup.cfg"})
    settings: dict[str, list[str] | str] = {
        "source_paths": [part.package],
        "only_mutate": breaks,
        "also_copy": beside,
        "pytest_add_cli_args": ["-p", "tests.mutants.places", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": list(part.tests),
        **PATIENCE,
    }
    lines = ["[mutmut]"]
    for name, value in settings.items():
        lines.append(f"{name} =" if isinstance(value, list) else f"{name} = {value}")
        lines += [f"    {word}" for word in value] if isinstance(value, list) else []
    return "\n".join(lines) + "\n"


def _results(text: str) -> dict[str, str]:
    """Read `name: what became of it` lines."""
    pairs = (line.strip().split(": ", 1) for line in text.splitlines() if ": " in line)
    return {name: what for name, what in pairs if "__mutmut_" in name}
