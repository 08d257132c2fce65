"""What a flow's table says, as text with a hash: so that a changed table is noticed and gets a new version.

The lock file keeps every version that was ever deployed. Instances of an old one may still be running,
so its entry stays.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from booking.orchestrator.plan import Saga, Step

Lock = dict[str, dict[str, dict[str, Any]]]
"""Flow -> version -> its `hash` and the lines of its table."""

BUMP: Final = (
    "{name}: the table changed, but it still calls itself version {version}. Live instances run on "
    "their own snapshot: set version={next} at {source} and run manage.py saga lock"
)
UNLOCKED: Final = "{name}: version {version} is not in the lock file yet: run manage.py saga lock"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """A flow whose table is not what the lock file says; `changed` are its lines, - before and + now."""

    name: str
    version: int
    message: str
    changed: Sequence[str]


class VersionTaken(Exception):
    """A version is locked with another table."""

    code = "saga_version_taken"


def lines_of(saga: Saga) -> list[str]:
    """Return what instances of a table depend on, one line for each step.

    Numbers that come from the deployment's settings are left out.
    """
    head = f"deadline {saga.deadline:g} s, subject {saga.subject}, failed {_name(saga.failed)}, cancelled {_name(saga.cancelled)}"
    kinds = {step.name: step.kind for step in saga.shape().steps}
    return [head] + [
        f"{link.name} / {kinds[step.name]} / {_words(step)}"
        for link in saga.links
        for step in link.steps
    ]


def hash_of(saga: Saga) -> str:
    """Return the hash of a table."""
    return hashlib.sha256("\n".join(lines_of(saga)).encode()).hexdigest()[:16]


def drifts(sagas: Iterable[Saga], locked: Lock) -> list[Drift]:
    """Return which tables are not as they were locked under their version."""
    return [drift for saga in sagas if (drift := _drift(saga, locked)) is not None]


def lock(sagas: Iterable[Saga], locked: Lock, *, replace: bool = False) -> Lock:
    """Return the lock with these tables added; every other version stays.

    `replace` overwrites a version, for one that was never deployed.

    Raises:
        VersionTaken: a version is locked with another table.
    """
    result = {name: dict(versions) for name, versions in locked.items()}
    for saga in sagas:
        drift = _drift(saga, locked)
        if drift is not None and drift.changed and not replace:
            raise VersionTaken("\n".join([drift.message, *drift.changed]))
        entry = {"hash": hash_of(saga), "table": lines_of(saga)}
        result.setdefault(saga.name, {})[str(saga.version)] = entry
    return result


def as_text(locked: Lock) -> str:
    """Return a lock as the text of its file."""
    return json.dumps(locked, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _drift(saga: Saga, locked: Lock) -> Drift | None:
    entry: Mapping[str, Any] | None = locked.get(saga.name, {}).get(str(saga.version))
    if entry is not None and entry["hash"] == hash_of(saga):
        return None
    before, now = ([] if entry is None else entry["table"]), lines_of(saga)
    changed = [f"- {line}" for line in before if line not in now]
    changed += [f"+ {line}" for line in now if entry is not None and line not in before]
    versions = [int(version) for version in locked.get(saga.name, {})]
    message = (UNLOCKED if entry is None else BUMP).format(
        name=saga.name,
        version=saga.version,
        next=max([*versions, saga.version]) + 1,
        source=saga.source or "its declaration",
    )
    return Drift(
        name=saga.name,
        version=saga.version,
        message=message,
        changed=changed or (["  the order of its lines"] if entry is not None else []),
    )


def _words(step: Step) -> str:
    refusals = step.refused_by if isinstance(step.refused_by, tuple) else (step.refused_by,)
    said = {
        "compensate": [step.compensate] if step.compensate else [],
        "annulled by": [by] if (by := getattr(step, "annulled_by", None)) else [],
        "refused by": refusals,
        "given": [step.given] if step.given else [],
        "each": [step.each] if step.each else [],
        "retry on": () if step.retry.on == (Exception,) else step.retry.on,
    }
    parts = [f"{step.name}: {_name(step.operation)}"]
    parts += [f"{word} {', '.join(map(_name, things))}" for word, things in said.items() if things]
    if step.no_compensation:
        parts.append(f"no compensation: {step.no_compensation}")
    return ", ".join([*parts, f"{step.retry.attempts} attempts, cap {step.retry.cap:g} s"])


def _name(thing: Any) -> str:
    """Return a name that moving code between a service's files does not change."""
    return f"{thing.__module__.partition('.')[0]}.{thing.__qualname__}"
