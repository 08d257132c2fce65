"""What the command line prints: the same values as text for a person or as JSON for a program."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from eventbus import replay, retention, trace
from eventbus.doctor import Report
from eventbus.models import OPEN_STATUSES, InboxEntry


def as_json(value: Any) -> str:
    """Return dataclasses, rows and plain values as JSON."""
    return json.dumps(value, cls=_Encoder, indent=2)


def doctor_text(report: Report) -> str:
    """Return one line a stream, group and problem."""
    lines = [
        f"stream {s['stream']}: head {s['head']}, in Redis {s['published']}, {s['unnumbered']} to be numbered"
        for s in report["streams"]
    ]
    lines += [
        f"group {g['group']} at {g['stream']}: {g['position']} of {g['head']}"
        + (
            f", missing {g['missing'][0]}-{g['missing'][1]}: {g['lag_events']} events, {g['lag_seconds']} s"
            if g["missing"]
            else " (nothing missing)"
        )
        + f", {g['retry']} retry, {g['parked']} parked, {g['dead']} dead"
        for g in report["groups"]
    ]
    lines += [f"{w['name']}: seen {w['silent_seconds']} s ago" for w in report["relays"]]
    lines += [f"{w['name']}: seen {w['silent_seconds']} s ago" for w in report["consumers"]]
    lines.append(_redis_line(report["redis"]))
    lines += report["notes"]
    lines += [f"! {problem}" for problem in report["problems"]]
    return "\n".join([*lines, "healthy" if report["healthy"] else "not healthy"])


def tree_text(node: trace.Node) -> str:
    """Return the reaction tree, indented."""
    return "\n".join(_tree_lines(node, ""))


def dead_text(entries: Iterable[InboxEntry]) -> str:
    """Return one line a dead entry, with the last line of its error."""
    lines = [
        f"{e.pk}  {e.stream} {e.position}  {e.type}  {e.handler}  {e.attempts} attempts:"
        f" {e.error.strip().rpartition(chr(10))[2]}"
        for e in entries
    ]
    return "\n".join(lines) or "nothing is dead"


def replay_text(done: Iterable[replay.Replayed], *, dry_run: bool) -> str:
    """Return one line a stream."""
    verb = "would call" if dry_run else "called"
    return "\n".join(
        f"{r.stream} {r.first}-{r.last}: {r.events} events, {verb} handlers {r.calls} times"
        for r in done
    )


def prune_text(done: Iterable[retention.Pruned], *, dry_run: bool) -> str:
    """Return one line a stream."""
    verb = "would delete" if dry_run else "deleted"
    return "\n".join(
        f"{p.stream}: {verb} {p.events} events"
        + (f" ({p.first}-{p.last})" if p.events else "")
        + f"; no further than {p.limit} now: {p.held_by}"
        for p in done
    )


def _redis_line(redis: Report) -> str:
    if not redis["up"]:
        return f"Redis: {redis['error']}"
    tails = ", ".join(f"{stream} at {tail}" for stream, tail in redis["tails"].items())
    return f"Redis: policy {redis['policy']}; {tails}"


def _tree_lines(node: trace.Node, indent: str) -> Iterator[str]:
    place = (
        f"{node.stream} {node.position}" if node.position else f"{node.stream}, not numbered yet"
    )
    yield f"{indent}{node.type} {node.event_id} ({place}, key {node.key}, {node.occurred_at:%Y-%m-%d %H:%M:%S}Z)"
    for reaction in node.reactions:
        took = f" in {reaction.duration_ms:.1f} ms" if reaction.duration_ms is not None else ""
        times = f", {reaction.attempts} attempts" if reaction.attempts > 1 else ""
        where = f" ({reaction.source})" if reaction.source else ""
        entry = f", entry {reaction.entry_id}" if reaction.status in OPEN_STATUSES else ""
        yield f"{indent}  {reaction.group}: {reaction.handler}{where} {reaction.status}{took}{times}{entry}"
    for child in node.caused:
        yield from _tree_lines(child, indent + "    ")


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, InboxEntry):
            return {field.name: getattr(o, field.attname) for field in o._meta.concrete_fields}
        if dataclasses.is_dataclass(o) and not isinstance(o, type):
            return dataclasses.asdict(o)
        return super().default(o)
