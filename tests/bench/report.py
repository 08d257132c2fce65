"""Each chapter: what must run, what is measured, which lines of the table it gives."""

import argparse
from typing import Any

from devstack.stack import Stack
from tests.bench import against, figures, topology
from tests.bench.figures import Figure


def statements(stack: Stack, options: argparse.Namespace) -> list[Figure]:
    """Count what a trip asks of PostgreSQL, part by part, with nothing else running."""
    parts = topology.inside(stack, "statements.a_trip", count=20)
    return [
        *(_part(name, part) for name, part in parts.items()),
        _sum("a confirmed trip in all", list(parts.values())),
    ]


def trips(stack: Stack, options: argparse.Namespace) -> list[Figure]:
    """Measure trips beside bare Celery on the same number of workers, and beside DBOS."""
    against.install()
    with topology.running(stack, *topology.TRIPS), topology.bare_workers(stack):
        found = topology.inside(
            stack, "compare.side_by_side", rounds=options.rounds, count=options.count
        )
    ours, chains, canvases = found["trips"], found["chains"], found["canvases"]
    workflows = found["workflows"]
    return [
        figures.rounds("confirmed trips per second", ours, digits=1),
        figures.rounds("bare Celery: chains of three empty links per second", chains),
        figures.rounds(
            "bare Celery: canvases (a group of three in the middle) per second", canvases
        ),
        figures.ratio("trips to bare chains", ours, chains),
        figures.ratio("trips to bare canvases", ours, canvases),
        figures.rounds("DBOS: workflows of seven empty steps per second", workflows, digits=1),
        figures.ratio("trips to DBOS workflows", ours, workflows),
        figures.percentiles(
            f"confirm to confirmed at {found['per_second']:.0f} trips per second, p50 / p99",
            found["latencies"],
        ),
        Figure(
            what="commits a trip while trips are rushed through, in all processes",
            value=f"{found['commits']:.1f}",
        ),
    ]


def bus(stack: Stack, options: argparse.Namespace) -> list[Figure]:
    """Measure relay and consumer beside FastStream, and trips while both are at work."""
    against.install()
    with topology.running(stack, *topology.BUS):
        found = topology.inside(stack, "beside.figures", rounds=options.rounds, count=options.count)
        with topology.running(stack, *topology.TRIPS):
            beside = topology.inside(stack, "compare.trips_only", rounds=3, count=options.count)
    ours, theirs = found["applied"], found["peer"]
    return [
        figures.rounds("relay: events per second, log to Redis", found["relayed"]),
        figures.rounds("CRM's consumer: events applied exactly once, per second", ours),
        figures.rounds("FastStream: events at least once, one insert each, per second", theirs),
        figures.ratio("CRM's consumer to FastStream", ours, theirs),
        Figure(
            what="publish() in the request's transaction, and the nudge after its commit",
            value=f"{found['publish_ms']:.2f} + {found['nudge_ms']:.2f} ms",
        ),
        Figure(
            what="one publisher (a transaction an event), relay and consumer together, events per second",
            value=f"{found['sustained']:,.0f}",
        ),
        _latencies("published to applied, half of that load", found["half"]),
        _latencies("published to applied, half of FastStream's load", found["at_peer_half"]),
        _latencies("FastStream: published to applied, half of its load", found["peer_half"]),
        figures.rounds(
            "confirmed trips per second while relay and consumer keep up", beside, digits=1
        ),
    ]


def growth(stack: Stack, options: argparse.Namespace) -> list[Figure]:
    """Measure the bus on a small log and on a large one."""
    with topology.running(stack, *topology.BUS):
        small, large = topology.inside(
            stack, "growth.figures", rounds=options.rounds, count=options.count
        )
    sizes = f"{small['rows']:,} rows in the log, then {large['rows']:,}"
    return [
        Figure(what=f"{what}: {sizes}", value=f"{small[key]:{form}}, {large[key]:{form}}{unit}")
        for what, key, form, unit in (
            ("relay, events per second", "relayed", ",.0f", ""),
            ("CRM's consumer, events per second", "applied", ",.0f", ""),
            ("publish()", "publish_ms", ".2f", " ms"),
            ("published to applied at 100 events per second, p50", "p50_ms", ".1f", " ms"),
        )
    ]


def _latencies(what: str, found: dict[str, Any]) -> Figure:
    return figures.percentiles(
        f"{what} ({found['per_second']:,.0f} events per second), p50 / p99", found["milliseconds"]
    )


def profile(stack: Stack, options: argparse.Namespace) -> str:
    """Say where the time of a trip and of an event goes: statements by kind, and cProfile."""
    parts = topology.inside(stack, "statements.a_trip", count=20)
    lines = [line for name, part in parts.items() for line in _statements(name, part)]
    found = topology.inside(stack, "profiling.engine_profile", count=40)
    lines += ["", "THE ENGINE, a trip", *_profile(found)]
    found = topology.inside(stack, "profiling.consumer_profile", count=40)
    lines += ["", "CRM'S CONSUMER, an event", *_kinds(found), *_profile(found)]
    return "\n".join(lines)


def _statements(name: str, part: dict[str, Any]) -> list[str]:
    took = f"{part['ms']:.1f} ms, {part['ms_in_statements']:.1f} of them in statements"
    return ["", f"{name}: {took}", *_kinds(part)]


def _kinds(part: dict[str, Any]) -> list[str]:
    return [f"  {n:6.2f}  {kind}" for kind, n in part["statements"].items()]


def _profile(found: dict[str, Any]) -> list[str]:
    areas = [f"  {ms:7.2f}  {area}" for area, ms in found["areas"].items()]
    slowed = "milliseconds by area, own functions only (cProfile slows Python down):"
    return [slowed, *areas, "own time:", *found["own"], "with callees:", *found["with_callees"]]


def _part(name: str, part: dict[str, Any]) -> Figure:
    what = "the request that confirms" if name == "confirm" else f"link `{name}`"
    return _sum(f"{what}: SQL statements, commits", [part])


def _sum(what: str, parts: list[dict[str, Any]]) -> Figure:
    statements = sum(sum(part["statements"].values()) for part in parts)
    savepoints = sum(part["statements"].get("savepoints", 0) for part in parts)
    commits = sum(part["commits"] for part in parts)
    took = sum(part["ms"] for part in parts)
    inside = sum(part["ms_in_statements"] for part in parts)
    return Figure(
        what=what,
        value=f"{statements:.0f} ({savepoints:.0f} for savepoints), {commits:.0f}",
        spread=f"{took:.0f} ms, {inside:.0f} of them in statements",
    )
