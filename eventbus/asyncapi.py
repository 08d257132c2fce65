"""One AsyncAPI 3.0 document a context: what it sends, and what it receives from any stream.

The AsyncAPI binding for Redis allows no properties, so stream, entry id and group are `x-redis` extensions.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from django.conf import settings

from eventbus import catalogue
from eventbus.subscribe import Handler

Document = dict[str, Any]

VERSION: Final = "3.0.0"
SCHEMAS: Final = "#/components/schemas/{name}"
REDIS: Final[Document] = {"redis": {}}
HEADERS: Final[Document] = {
    "title": "CloudEventsAttributes",
    "description": "CloudEvents 1.0 attributes, each one flat field of the stream entry.",
    "type": "object",
    "properties": {
        "specversion": {"type": "string", "const": "1.0"},
        "id": {"type": "string", "format": "uuid"},
        "source": {"type": "string", "format": "uri-reference"},
        "type": {"type": "string"},
        "subject": {"type": "string", "description": "The key: events that share it are in order."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string", "const": "application/json"},
        "sequence": {"type": "string", "description": "The position in the stream, without holes."},
        "correlationid": {"type": "string"},
        "causationid": {"type": "string", "format": "uuid"},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "actor": {"type": "string"},
    },
    "required": ["specversion", "id", "source", "type", "subject", "time", "sequence"],
}


def contexts() -> list[str]:
    """Return every context, sorted."""
    return sorted(set(settings.EVENTBUS_OWNERS.values()))


def text(*, context: str) -> str:
    """Return the document as the file has it."""
    return json.dumps(document(context=context), indent=2, ensure_ascii=False) + "\n"


def document(*, context: str) -> Document:
    """Return what a context sends and receives."""
    entries = catalogue.collect()
    heard = [(e, h) for e in entries for h in e.handlers if _context_of(h) == context]
    sent = [e for e in entries if e.context == context]
    mentioned = list({e.name: e for e in [*sent, *(e for e, _ in heard)]}.values())
    return {
        "asyncapi": VERSION,
        "info": {
            "title": context,
            "version": "1.0.0",
            "description": f"Events that the context {context} sends and receives."
            " Written by `manage.py eventbus catalogue`; do not edit.",
        },
        "defaultContentType": "application/json",
        "channels": _channels(mentioned),
        "operations": {
            **{f"send.{e.name}": _send(e) for e in sent},
            **{f"receive.{h.name}": _receive(e, h) for e, h in heard},
        },
        "components": _components(mentioned),
    }


def _channels(entries: Iterable[catalogue.Entry]) -> Document:
    found: Document = {}
    for entry in entries:
        channel = found.setdefault(entry.context, _channel(entry.context))
        channel["messages"][entry.name] = {"$ref": f"#/components/messages/{entry.name}"}
    return found


def _channel(stream: str) -> Document:
    return {
        "address": stream,
        "description": f"The stream of the context {stream}, capped by length; the log has the rest.",
        "messages": {},
        "bindings": REDIS,
        "x-redis": {
            "type": "stream",
            "key": f"eb:{{{stream}}}:<epoch>",
            "entry-id": "<position>-0",
            "payload-field": "data",
        },
    }


def _send(entry: catalogue.Entry) -> Document:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{entry.context}"},
        "summary": entry.description,
        "messages": [{"$ref": f"#/channels/{entry.context}/messages/{entry.name}"}],
        "bindings": REDIS,
    }


def _receive(entry: catalogue.Entry, handler: Handler) -> Document:
    return _send(entry) | {
        "action": "receive",
        "summary": handler.description,
        "x-redis": {"group": handler.group, "consumer-group": False},
        "x-handler": {"order": handler.order, "attempts": handler.retry.attempts},
    }


def _components(entries: list[catalogue.Entry]) -> Document:
    types = [entry.event_type for entry in entries]
    payloads, schemas = msgspec.json.schema_components(types, ref_template=SCHEMAS)
    return {
        "schemas": schemas,
        "messages": {
            entry.name: _message(entry, payload)
            for entry, payload in zip(entries, payloads, strict=True)
        },
    }


def _message(entry: catalogue.Entry, payload: Document) -> Document:
    return {
        "name": entry.name,
        "title": entry.event_type.__name__,
        "summary": entry.description,
        "contentType": "application/json",
        "headers": HEADERS,
        "payload": payload,
        "correlationId": {"location": "$message.header#/correlationid"},
        "bindings": REDIS,
        "x-key": entry.event_type.key_field,
    }


def _context_of(handler: Handler) -> str:
    """Return the context of a handler; checks have seen to it that it is its group's."""
    own = handler.function.__module__.partition(".")[0]
    return str(settings.EVENTBUS_OWNERS[own])
