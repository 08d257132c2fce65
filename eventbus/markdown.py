"""The catalogue as a page: a picture, a table of event and handler, and every event's contract."""

from collections import defaultdict
from collections.abc import Iterator

from eventbus import asyncapi, catalogue, streams
from eventbus.subscribe import Backoff, Handler

HEAD = """# Events

Written by `manage.py eventbus catalogue`, checked in CI by `--check`; do not edit.

In Redis an event is one stream entry `<position>-0` whose flat fields are the attributes of
[CloudEvents 1.0](https://cloudevents.io) (`id`, `source`, `type`, `time`, `subject` = key, and the extensions
`sequence`, `correlationid`, `causationid`, `traceparent`, `actor`); `data` is the JSON of the fields below.
Personal fields are marked ●: they are masked wherever an operator looks, and overwritten in the log on erasure.
"""


def page() -> str:
    """Return the whole page."""
    entries = catalogue.collect()
    parts = [
        HEAD,
        _documents(),
        "## Who publishes, who reacts\n",
        _picture(entries),
        _table(entries),
    ]
    parts += [_section(entry) for entry in entries]
    return "\n".join(parts)


def _documents() -> str:
    links = ", ".join(f"[{name}](asyncapi/{name}.json)" for name in asyncapi.contexts())
    return f"The same as AsyncAPI 3.0, a document a context: {links}.\n"


def _picture(entries: list[catalogue.Entry]) -> str:
    """Draw each context with its apps, an arrow per app and group, labelled with what is heard."""
    apps: dict[str, set[str]] = defaultdict(set)
    arrows: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in entries:
        apps[entry.context].add(entry.event_type.app)
        for handler in entry.handlers:
            arrows[entry.event_type.app, handler.group].add(entry.name)
    for group in catalogue.groups():
        apps[streams.stream_of(catalogue.app_of(group))].add(f"{group.name} group")
    return "\n".join(["```mermaid", "flowchart LR", *_boxes(apps), *_arrows(arrows), "```", ""])


def _boxes(apps: dict[str, set[str]]) -> Iterator[str]:
    for context, names in sorted(apps.items()):
        yield f"    subgraph {context}_context[{context}]"
        yield from (f"        {_node(name)}[{name}]" for name in sorted(names))
        yield "    end"


def _arrows(arrows: dict[tuple[str, str], set[str]]) -> Iterator[str]:
    for (app, group), names in sorted(arrows.items()):
        yield f'    {_node(app)} -->|"{"<br/>".join(sorted(names))}"| {_node(f"{group} group")}'


def _node(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_")


def _table(entries: list[catalogue.Entry]) -> str:
    rows = [
        f"| [`{e.name}`](#{_anchor(e.name)}) | {e.context} / {e.event_type.app} | `{e.event_type.key_field}` |"
        f" {_reactions(e.handlers)} |"
        for e in entries
    ]
    return "\n".join(["| event | owner | key | who reacts |", "|---|---|---|---|", *rows, ""])


def _reactions(handlers: tuple[Handler, ...]) -> str:
    named = (f"{h.group}: `{h.function.__name__}`" for h in handlers)
    return "<br>".join(named) or "nobody yet"


def _section(entry: catalogue.Entry) -> str:
    place = catalogue.place_of(entry.event_type.__module__)
    fields = [
        f"| `{f.path}` | {f.type}{'' if f.required else ', optional'} | {'●' if f.sensitive else ''} |".replace(
            " | None", " or None"
        )
        for f in entry.fields
    ]
    lines = [
        f"## {entry.name}\n",
        f"{entry.description} Published by `{place}`, version {entry.event_type.version},"
        f" in order per `{entry.event_type.key_field}`.\n",
        "| field | type | personal |",
        "|---|---|---|",
        *fields,
        "",
        *_handlers(entry.handlers),
    ]
    return "\n".join(lines)


def _handlers(handlers: tuple[Handler, ...]) -> Iterator[str]:
    if not handlers:
        yield "Nobody reacts yet.\n"
        return
    yield "| handler | what it does | order | retry |"
    yield "|---|---|---|---|"
    for handler in handlers:
        place = catalogue.place_of(handler.function.__module__)
        yield (
            f"| `{place}` `{handler.function.__name__}` | {handler.description} |"
            f" {'per key' if handler.order == 'key' else 'none'} | {_retry(handler.retry)} |"
        )
    yield ""


def _retry(retry: Backoff) -> str:
    return f"{retry.attempts} attempts, {retry.first:g} s × {retry.factor:g} up to {retry.cap:g} s"


def _anchor(name: str) -> str:
    return name.replace(".", "")
