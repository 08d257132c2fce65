"""System checks: what would only show when an event arrives is found at start-up."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, register

from eventbus import catalogue, events, publish, subscribe


@register("eventbus")
def check_bus(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Check every declared event, upcaster, group and handler."""
    return [
        *_receivers(),
        *_upcasters(),
        *(message for group in subscribe.GROUPS.values() for message in _group(group)),
    ]


@register("eventbus", deploy=True)
def check_listeners(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Name the events to which nobody reacts: with `check --deploy`, not at every command."""
    return list(_unheard())


def _receivers() -> Iterator[CheckMessage]:
    """Choreography within a context would be a second receiver of the signal."""
    count = len(publish.event_published.receivers)
    if count != 1:
        yield Error(
            f"The event signal has {count} receivers; the bus must be the only one.",
            id="eventbus.E001",
        )


def _upcasters() -> Iterator[CheckMessage]:
    for cls in events.TYPES.values():
        for version in range(1, cls.version):
            if f"{cls.fact}.v{version}" not in events.UPCASTERS:
                yield Error(
                    f"{cls.wire_name}: nothing upcasts version {version}.",
                    hint=f'Write @upcast("{cls.fact}.v{version}").',
                    id="eventbus.E002",
                )
    for name in events.UPCASTERS:
        current = events.TYPES.get(events.fact_of(name))
        if current is None or events.version_of(name) >= current.version:
            yield Error(f"The upcaster of {name} leads to no event.", id="eventbus.E003")


def _group(group: subscribe.Group) -> Iterator[CheckMessage]:
    if group.start not in ("beginning", "now"):
        yield Error(
            f'Group {group.name!r} does not say where it starts: "beginning" or "now".',
            id="eventbus.E004",
        )
    for handler in group.handlers:
        yield from _handler(group, handler)


def _handler(group: subscribe.Group, handler: subscribe.Handler) -> Iterator[CheckMessage]:
    owners = settings.EVENTBUS_OWNERS
    event_type = handler.event_type
    if events.TYPES.get(getattr(event_type, "fact", "")) is not event_type:
        yield Error(
            f"{handler.source}: {event_type!r} is not a declared event.", id="eventbus.E005"
        )
    elif event_type.app in owners and owners[event_type.app] not in group.streams:
        yield Error(
            f"{handler.source}: {event_type.wire_name} is on the stream"
            f" {owners[event_type.app]!r}, which group {group.name!r} does not read.",
            id="eventbus.E006",
        )
    own = handler.function.__module__.partition(".")[0]
    if owners.get(own) != owners.get(catalogue.app_of(group)):
        yield Error(
            f"{handler.source}: a handler of another context than its group {group.name!r}.",
            id="eventbus.E007",
        )


def _unheard() -> Iterator[CheckMessage]:
    for entry in catalogue.collect():
        if not entry.handlers:
            yield Info(f"Nobody reacts to {entry.name}.", id="eventbus.I001")
