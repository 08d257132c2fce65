"""What a run found, for people and as JSON."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.chaos import plan
from tests.chaos.run import Run

Figures = dict[str, Any]
SHOWN = 5


def figures(run: Run) -> Figures:
    """Return everything that was counted and timed; durations in seconds."""
    struck = [strike.fault for strike in run.nemesis.strikes if strike.proof]
    kills = [fault for fault in struck if fault.act in plan.KILLS]
    tables = run.books.tables
    return {
        "seed": run.options.seed,
        "trips composed": len(tables["reservations"]),
        "clients": dict(sorted(run.load.done.items())),
        "answers": dict(sorted(run.load.answers.items())),
        "commands answered with 2xx": len(run.load.receipts),
        "faults struck": len(struck),
        "kills": len(kills),
        "kills by role": _counted(fault.target for fault in kills),
        "pauses past the lease": _count(struck, {"pause"}),
        "Redis losses": _count(struck, plan.LOSSES),
        "PostgreSQL restarts": _count(struck, plan.RESTARTS),
        "other faults": _counted(
            fault.act
            for fault in struck
            if fault.act not in plan.KILLS | plan.LOSSES | plan.RESTARTS
        ),
        "processes that ended by themselves": dict(run.journal.deaths),
        "ambiguous calls": sum(row["ambiguous"] for row in tables["calls"]),
        "outcomes noted as unknown": _happened(run, "unknown"),
        "answers of partners that were spoilt": _spoilt(run.books.ledger["calls"]),
        "webhooks": _webhooks(run.books.ledger["events"]),
        "fenced writes": run.fenced,
        "sagas by final state": _counted(
            f"{row['name']} {row['state']}" for row in tables["sagas"] if row["finished_at"]
        ),
        "parked": len(run.parked),
        "parked, by reason": _counted(str(saga["attention_reason"]) for saga in run.parked),
        "still parked after a retry": _counted(
            str(row["attention_reason"]) for row in tables["sagas"] if row["attention_reason"]
        ),
        "strays taken back": _counted(str(stray["kind"]) for stray in run.strays),
        "seconds from healing to rest": round(run.rest_after, 1),
        "a saga's end after healing": _spread(_ends_after(run)),
        "a killed worker's call goes on after": _spread([r.seconds for r in run.watch.resumed]),
        "of that with a sweeper and a database": _spread([r.able for r in run.watch.resumed]),
        "sagas ended per second": {
            "in calm": _rate(run, "calm", "chaos"),
            "in chaos": _rate(run, "chaos", "healing"),
        },
        "events": len(tables["log"]),
        "violations": sum(len(broken) for broken in run.violations.values()),
        "violations by invariant": {name: len(broken) for name, broken in run.violations.items()},
    }


def as_json(run: Run) -> Figures:
    """Return figures, plan with proofs, and what breaks each invariant."""
    return {
        **figures(run),
        "violated": {name: broken for name, broken in run.violations.items() if broken},
        "plan": [strike.as_json() for strike in run.nemesis.strikes],
    }


def as_text(run: Run) -> str:
    """Return the report for people, the plan at its end."""
    lines = [line for name, value in figures(run).items() for line in _line(name, value)]
    for name, broken in run.violations.items():
        lines += [f"BROKEN  {name}: {text}" for text in broken[:SHOWN]]
        if len(broken) > SHOWN:
            lines.append(f"BROKEN  {name}: and {len(broken) - SHOWN} more")
    return "\n".join([*lines, f"plan of seed {run.options.seed}", plan.as_text(run.faults)])


def _line(name: str, value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{name:<42}{value}"]
    return [f"{name:<42}{'' if value else '-'}", *(f"    {key:<60}{n}" for key, n in value.items())]


def _count(faults: Iterable[plan.Fault], acts: Iterable[str]) -> int:
    return sum(fault.act in set(acts) for fault in faults)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _happened(run: Run, kind: str) -> int:
    return sum(row["n"] for row in run.books.tables["happened"] if row["kind"] == kind)


def _spoilt(calls: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    marks = ("no answer", "closed", "; ", "late:", "outage")
    return _counted(
        call["effect"].split(" (")[0]
        for call in calls
        if any(mark in call["effect"] for mark in marks)
        and not call["path"].startswith("/control/")
    )


def _webhooks(events: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    taken = [sum(d["outcome"].startswith("2") for d in e["deliveries"]) for e in events]
    tried = sum(len(event["deliveries"]) for event in events)
    return {
        "announced": len(events),
        "tried": tried,
        "taken": sum(taken),
        "taken twice": sum(n > 1 for n in taken),
        "never taken": sum(n == 0 for n in taken),
    }


def _ends_after(run: Run) -> list[float]:
    """Return how long after healing the sagas ended that were on their way then."""
    healed = run.instants["healing"]
    ends = [row["finished_at"] for row in run.books.tables["sagas"] if row["finished_at"]]
    return [(end - healed).total_seconds() for end in ends if healed < end <= run.instants["rest"]]


def _spread(values: Sequence[float]) -> dict[str, float]:
    if len(values) < 2:
        return {"count": len(values), **({"max": round(values[0], 1)} if values else {})}
    return {
        "count": len(values),
        "p50": round(statistics.median(values), 1),
        "p99": round(statistics.quantiles(values, n=100, method="inclusive")[-1], 1),
        "max": round(max(values), 1),
    }


def _rate(run: Run, begin: str, end: str) -> float:
    span: tuple[datetime, datetime] = (run.instants[begin], run.instants[end])
    ends = [row["finished_at"] for row in run.books.tables["sagas"] if row["finished_at"]]
    seconds = (span[1] - span[0]).total_seconds()
    return round(sum(span[0] <= at < span[1] for at in ends) / seconds, 2) if seconds else 0.0
