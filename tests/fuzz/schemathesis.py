"""Schemathesis in an environment of its own: one process for each pass, judged by its JSON report."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from devstack.binaries import PROJECT
from devstack.stack import Stack
from devstack.virtualenv import Virtualenv
from tests.fuzz.passes import Pass

ENVIRONMENT: Final = Virtualenv(
    project=PROJECT, directory="var/fuzz-venv", lock="requirements-fuzz.txt"
)
EXAMPLES: Final = 40
"""Cases of an operation in each phase; more are got by another round with another seed."""
A_ROUND: Final = 5_000
"""Cases of a round, roughly. Who asks for less gets fewer cases of each operation."""
CHECKS: Final = """\
[checks]
# Some 4xx answers follow from what no schema can say: a date that is past, an offer that nobody has.
positive_data_acceptance.enabled = false
# What is too long or too large is refused as such.
negative_data_rejection.expected-statuses = [
    "400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "429", "431",
]
"""
SECONDS: Final = 900


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one pass came to; `failures` names checks and operations."""

    name: str
    cases: int
    failures: list[str]


def install() -> None:
    """Make the environment, unless it is there."""
    if not ENVIRONMENT.is_current():
        ENVIRONMENT.build()
        ENVIRONMENT.write_stamp()


def until(cases: int, passes: Sequence[Pass], *, stack: Stack, seed: int) -> list[Result]:
    """Run all passes, round by round with another seed, until so many cases were sent or one failed."""
    results: list[Result] = []
    examples = max(1, min(EXAMPLES, EXAMPLES * cases // A_ROUND))
    while sum(result.cases for result in results) < cases:
        results += [_run(one, stack=stack, seed=seed, examples=examples) for one in passes]
        if any(result.failures for result in results):
            break
        seed += 1
    return results


def _run(one: Pass, *, stack: Stack, seed: int, examples: int) -> Result:
    place = stack.directory / "log" / f"schemathesis {one.name} {seed}"
    config, report = place.with_suffix(".toml"), place.with_suffix(".json")
    parameters = [f'"path.{name}" = "{value}"' for name, value in one.parameters.items()]
    config.write_text("\n".join(["[parameters]", *parameters, CHECKS]))
    command = [
        *(str(ENVIRONMENT.path / "bin" / "st"), "--config-file", str(config), "--no-color", "run"),
        f"{stack.urls['web']}/api/v1/openapi.json",
        *("--header", f"Authorization: Token {one.token}", "--seed", str(seed)),
        *("--include-operation-id-regex", one.include),
        *(("--exclude-operation-id-regex", one.exclude) if one.exclude else ()),
        *("--max-examples", str(examples), "--continue-on-failure", "--request-timeout", "30"),
        *("--report", "json", "--report-json-path", str(report)),
        *("--generation-database", "none"),
    ]
    with place.with_suffix(".txt").open("w") as said:
        subprocess.run(
            command, cwd=stack.directory, stdout=said, stderr=said, timeout=SECONDS, check=False
        )
    return _judged(one.name, json.loads(report.read_text()), said.name)


def _judged(name: str, report: dict[str, Any], log: str) -> Result:
    """Return what a report says; a pass that did not come to its end has failed, too."""
    wrong = [*report["failures"], *report["errors"]]
    failures = [
        f"{one['count']} x {one['title']}: {', '.join(one.get('operations', []))} ({log})"
        for one in wrong
    ]
    if not report["complete"] or report["operations"]["tested"] == 0:
        failures.append(f"not tested: {report['stop_reason']} ({log})")
    return Result(name=name, cases=report["test_cases"]["generated"], failures=failures)
