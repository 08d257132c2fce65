"""A flow in words, made from the table itself."""

from dataclasses import dataclass

from booking.orchestrator.plan import Pivot, Saga, Step


@dataclass(frozen=True, kw_only=True)
class Line:
    """One step of a flow, in words."""

    link: str
    step: str
    operation: str
    compensate: str
    refused_by: str
    pivot: bool
    each: bool
    code: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """A flow in words; `chain` is what Celery is given."""

    name: str
    version: int
    deadline_seconds: float
    chain: str
    lines: list[Line]


def table(saga: Saga) -> Table:
    """Return a flow in words."""
    chain = " | ".join(f'run_link.si(saga_id, "{link.name}")' for link in saga.links)
    return Table(
        name=saga.name,
        version=saga.version,
        deadline_seconds=saga.deadline,
        chain=chain,
        lines=[_line(link.name, step) for link in saga.links for step in link.steps],
    )


def as_text(flow: Table) -> str:
    """Return a flow as aligned text."""
    lines = [
        f"{flow.name} v{flow.version}, deadline {flow.deadline_seconds / 60:g} min",
        f"chain: {flow.chain}",
        "",
    ]
    for line in flow.lines:
        back = f"compensated by {line.compensate}" if line.compensate else "never compensated"
        kind = "pivot" if line.pivot else "each leg" if line.each else ""
        lines.append(
            f"{line.link:12} {line.step:10} {line.operation:22} {back:38} {kind:9} {line.code}"
        )
    return "\n".join(lines)


def _line(link: str, step: Step) -> Line:
    declared = step.refused_by if isinstance(step.refused_by, tuple) else (step.refused_by,)
    return Line(
        link=link,
        step=step.name,
        operation=_name(step.operation),
        compensate=_name(step.compensate) if step.compensate else "",
        refused_by=", ".join(_name(refusal) for refusal in declared),
        pivot=isinstance(step, Pivot),
        each=step.each is not None,
        code=step.source,
    )


def _name(thing: type) -> str:
    return f"{thing.__module__.partition('.')[0]}.{thing.__name__}"
