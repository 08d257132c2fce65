"""Is anything missed, late, dead or down? Positions against the head are the proof."""

from typing import Any, Final

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Count

from eventbus import catalogue, connections, fanout, log, streams
from eventbus.models import Cursor, Heartbeat, InboxEntry, Stream

LATE_SECONDS: Final = 60
SILENT_SECONDS: Final = 30

UNNUMBERED: Final = """
    SELECT count(*), coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float
    FROM eventbus_outbox WHERE stream = %s AND position IS NULL
"""
HOLES: Final = """
    SELECT position + 1, next - 1 FROM (
        SELECT position, lead(position) OVER (ORDER BY position) AS next
        FROM eventbus_outbox WHERE stream = %s AND position > %s) AS pairs
    WHERE next > position + 1 ORDER BY position LIMIT 100
"""
EDGES: Final = """
    SELECT min(position), max(position) FROM eventbus_outbox WHERE stream = %s AND position > %s
"""
LATENESS: Final = """
    SELECT coalesce(extract(epoch FROM now() - occurred_at), 0)::float
    FROM eventbus_outbox WHERE stream = %s AND position = %s
"""

Report = dict[str, Any]


def examine() -> Report:
    """Return the state of every stream, group and worker; `problems` is empty if all is well.

    `notes` are worth knowing and no problem: what a listener that joins now would miss.
    """
    report: Report = {
        "streams": [_stream(name) for name in streams.stream_names()],
        "groups": groups(),
        "relays": _workers(Heartbeat.RELAY),
        "consumers": _workers(Heartbeat.CONSUMER),
        "redis": _redis(),
    }
    report["problems"] = _problems(report)
    report["notes"] = [
        f"Stream {s['stream']}: a listener that joins now misses positions 1 to {s['pruned']}, which are pruned."
        for s in report["streams"]
        if s["pruned"]
    ]
    report["healthy"] = not report["problems"]
    return report


def groups() -> list[Report]:
    """Return where every group is in each of its streams; Redis is not asked."""
    return [_group(group.name, name) for group in catalogue.groups() for name in group.streams]


def workers() -> list[Report]:
    """Return how long every relay and consumer has been silent; Redis is not asked."""
    return [*_workers(Heartbeat.RELAY), *_workers(Heartbeat.CONSUMER)]


def _stream(name: str) -> Report:
    tip = log.tip(stream=name)
    waiting, oldest = _row(UNNUMBERED, name)
    row = Stream.objects.filter(name=name).first() or Stream(name=name)
    return {
        "stream": name,
        "head": tip.head,
        "published": row.published,
        "pruned": row.pruned,
        "holes_in_log": _holes(name, row.pruned, tip.head),
        "unnumbered": waiting,
        "oldest_unnumbered_seconds": round(oldest, 1),
    }


def _holes(name: str, pruned: int, head: int) -> list[list[int]]:
    """Return what is missing after what was pruned; at either end it is as lost as in between."""
    first, last = _row(EDGES, name, pruned)
    holes = [[a, b] for a, b in _rows(HOLES, name, pruned)]
    if first and first > pruned + 1:
        holes.insert(0, [pruned + 1, first - 1])
    if (last or pruned) < head:
        holes.append([(last or pruned) + 1, head])
    return holes


def _group(group: str, stream: str) -> Report:
    """Return where a group is; `missing` are the exact positions that it has not dealt with yet."""
    cursor = Cursor.objects.filter(group=group, stream=stream).first()
    head = log.tip(stream=stream).head
    pruned = Stream.objects.filter(name=stream, pruned__gt=0).values_list("pruned", flat=True)
    position = cursor.position if cursor else 0
    late = _row(LATENESS, stream, position + 1) if position < head else None
    statuses = InboxEntry.objects.filter(group=group, stream=stream).values_list("status")
    counts = dict(statuses.filter(status__in=["retry", "parked", "dead"]).annotate(n=Count("id")))
    return {
        "group": group,
        "stream": stream,
        "known": cursor is not None,
        "position": position,
        "head": head,
        "missing": [position + 1, head] if position < head else None,
        "ahead": position > head,
        "stranded": position < (pruned.first() or 0),
        "lag_events": max(0, head - position),
        "lag_seconds": round(late[0], 1) if late else 0.0,
        "paused": bool(cursor and cursor.paused),
        "retry": counts.get("retry", 0),
        "parked": counts.get("parked", 0),
        "dead": counts.get("dead", 0),
    }


def _workers(kind: str) -> list[Report]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, extract(epoch FROM now() - beat_at)::float, info::text"
            " FROM eventbus_heartbeat WHERE kind = %s ORDER BY name",
            [kind],
        )
        return [
            {"name": name, "silent_seconds": round(age, 1), "info": info}
            for name, age, info in cursor.fetchall()
        ]


def _redis() -> Report:
    client = connections.client(timeout=2)
    try:
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "unknown")
        cap = fanout.Fanout(client=client, cap=settings.EVENTBUS_STREAM_CAP)
        tails = {
            name: cap.tail(
                key=streams.redis_key(stream=name, epoch=log.tip(stream=name).epoch)
            ).position
            for name in streams.stream_names()
        }
    except (redis.RedisError, OSError) as error:
        return {"up": False, "error": str(error)}
    return {"up": True, "policy": policy, "tails": tails}


def _problems(report: Report) -> list[str]:
    found = [line for stream in report["streams"] for line in _stream_problems(stream)]
    found += [line for group in report["groups"] for line in _group_problems(group)]
    if not any(relay["silent_seconds"] < SILENT_SECONDS for relay in report["relays"]):
        found.append("No relay is alive.")
    if not report["redis"]["up"]:
        found.append(
            f"Redis does not answer (delivery goes on, slower): {report['redis']['error']}"
        )
    elif report["redis"]["policy"] not in ("noeviction", "unknown"):
        found.append(f"Redis may evict streams: its policy is {report['redis']['policy']}.")
    return found


def _stream_problems(stream: Report) -> list[str]:
    found = [
        f"Stream {stream['stream']}: the log lacks positions {first} to {last}."
        for first, last in stream["holes_in_log"]
    ]
    if stream["oldest_unnumbered_seconds"] > LATE_SECONDS:
        found.append(f"Stream {stream['stream']}: {stream['unnumbered']} events wait for a relay.")
    return found


def _group_problems(group: Report) -> list[str]:
    name = f"Group {group['group']} at {group['stream']}"
    conditions = {
        "it has never run.": not group["known"],
        "it is paused.": group["paused"],
        f"it is at {group['position']}, and what comes next is pruned; `eventbus resume {group['group']}"
        " --past-pruned` goes on without it.": group["stranded"],
        f"it is at {group['position']}, ahead of the log at {group['head']}.": group["ahead"],
        f"it lacks positions {group['missing']} since {group['lag_seconds']} s.": (
            group["lag_seconds"] > LATE_SECONDS
        ),
        f"{group['dead']} dead, {group['parked']} parked behind them.": group["dead"] > 0,
    }
    return [f"{name}: {text}" for text, applies in conditions.items() if applies]


def _row(statement: str, *parameters: Any) -> Any:
    rows = _rows(statement, *parameters)
    return rows[0] if rows else None


def _rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
