"""A flow, or one run of it, as a Mermaid flowchart: forward to the right, compensations back."""

from collections.abc import Sequence

from booking.orchestrator.diagram import LOOKS, Box, Mark


def mermaid(boxes: Sequence[Box]) -> str:
    """Return a flowchart; a link is a subgraph, the pivot a hexagon, a state an icon, a word and a colour."""
    out = ["flowchart LR", "    start((start))"]
    for link in dict.fromkeys(box.link for box in boxes):
        out.append(f'    subgraph {_id("link", link)}["{_escaped(link)}"]')
        for box in (box for box in boxes if box.link == link):
            out += [f"        {line}" for line in _nodes(box)]
        out.append("    end")
    names = ["start", *(_id("step", box.step) for box in boxes), "done"]
    out.append("    done((done))")
    out.append(f"    {' --> '.join(names)}")
    for box in boxes:
        if box.compensate:
            out.append(f"    {_id('step', box.step)} -. compensate .-> {_id('back', box.step)}")
    return "\n".join([*out, *_colours(boxes)])


def _nodes(box: Box) -> list[str]:
    label = _label(f"{box.step}{' (pivot)' if box.pivot else ''}", box.operation, box.marks)
    shape = f'{{{{"{label}"}}}}' if box.pivot else f'["{label}"]'
    nodes = [f"{_id('step', box.step)}{shape}"]
    if box.compensate:
        back = _label(box.compensate, "", box.back)
        nodes.append(f'{_id("back", box.step)}["{back}"]')
    return nodes


def _label(title: str, operation: str, marks: Sequence[Mark]) -> str:
    said = (mark.words for mark in marks)
    return "<br/>".join(_escaped(part) for part in (title, operation, *said) if part)


def _colours(boxes: Sequence[Box]) -> list[str]:
    coloured = [(_id("step", box.step), box.state) for box in boxes]
    coloured += [(_id("back", box.step), box.back_state) for box in boxes if box.compensate]
    return [
        f"    style {name} fill:{LOOKS[state].fill},stroke:{LOOKS[state].line},color:#0f172a"
        for name, state in coloured
        if state
    ]


def _escaped(text: str) -> str:
    """Return text as Mermaid's labels take it: entities begin with #."""
    for sign, entity in (
        ("#", "#35;"),
        ("&", "#amp;"),
        ("<", "#lt;"),
        (">", "#gt;"),
        ('"', "#quot;"),
    ):
        text = text.replace(sign, entity)
    return text


def _id(kind: str, name: str) -> str:
    """Return a name that Mermaid takes: some words, like `end`, mean something to it."""
    return f"{kind}_{''.join(c if c.isalnum() else '_' for c in name)}"
