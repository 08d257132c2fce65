"""For tests of publishers and listeners: what was published, and delivery without Redis."""

import contextlib
from collections.abc import Iterator
from typing import Any, TypeVar

from eventbus import delivery, inbox, log, numbering, publish, subscribe
from eventbus.events import Event
from eventbus.models import InboxEntry, OutboxEntry

E = TypeVar("E", bound=Event)
EVERYTHING = 1_000_000


class DeliveryFailed(AssertionError):
    """A handler failed on an event; the message holds its traceback."""


class Captured:
    """The events published within a `capture()` block, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def of(self, event_type: type[E]) -> list[E]:
        """Return the captured events of one type."""
        return [event for event in self.events if isinstance(event, event_type)]

    def assert_published(self, event_type: type[Event], *, times: int = 1, **fields: Any) -> None:
        """Fail unless so many events of the type have these field values."""
        matching = [
            event
            for event in self.of(event_type)
            if all(getattr(event, name) == value for name, value in fields.items())
        ]
        if len(matching) != times:
            raise AssertionError(
                f"{event_type.wire_name} with {fields} was published {len(matching)} times,"
                f" not {times}; published: {self.events}"
            )

    def assert_nothing_published(self) -> None:
        """Fail if any event was published."""
        if self.events:
            raise AssertionError(f"published: {self.events}")

    def deliver(self, *, times: int = 1) -> None:
        """Hand what was published to every group; see the function of the same name."""
        deliver(times=times)

    def _receive(self, sender: type[Event], *, event: Event, **_: Any) -> None:
        self.events.append(event)


@contextlib.contextmanager
def capture() -> Iterator[Captured]:
    """Collect what is published in the block; the outbox is written as always."""
    captured = Captured()
    publish.event_published.connect(captured._receive, weak=False)
    try:
        yield captured
    finally:
        publish.event_published.disconnect(captured._receive)


def deliver(*, times: int = 1, tolerate_failures: bool = False) -> None:
    """Number what was published and run the consumers' code on it, without Redis, until nothing is left.

    With `times=2` every event is offered again afterwards, as a broker would that delivers at least
    once. Retries that are due now are run too.

    Raises:
        DeliveryFailed: a handler failed, unless failures are tolerated.
    """
    _number_all()
    _deliver_to_all(times)
    while _number_all():  # what handlers published in their turn
        _deliver_to_all(times)
    if not tolerate_failures:
        _refuse_failures()


def rerun(*, event_id: Any) -> None:
    """Run every handler of an event once more, past the inbox: what they wrote must not change."""
    entry = OutboxEntry.objects.get(event_id=event_id, position__isnull=False)
    assert entry.position is not None  # noqa: S101 - narrows what the query says
    record = log.read(stream=entry.stream, after=entry.position - 1, limit=1)[0]
    for group in subscribe.GROUPS.values():
        for handler in group.handlers_of(record.fact):
            outcome = inbox.attempt(handler=handler, record=record, attempts=0)
            if outcome.error:
                raise DeliveryFailed(outcome.error)


def _number_all() -> bool:
    unnumbered = OutboxEntry.objects.filter(position=None)
    names = set(unnumbered.values_list("stream", flat=True))
    for stream in names:
        numbering.ensure_stream(stream=stream)
        numbering.number(stream=stream, limit=EVERYTHING)
    return bool(names)


def _deliver_to_all(times: int) -> None:
    for group in subscribe.GROUPS.values():
        for stream in group.streams:
            _deliver_to(group, stream, times)


def _deliver_to(group: subscribe.Group, stream: str, times: int) -> None:
    after = delivery.ensure_cursor(group=group, stream=stream)
    for _ in range(times):
        tip = log.tip(stream=stream)
        records = log.read(stream=stream, after=after, limit=EVERYTHING)
        offer = delivery.Offer(epoch=tip.epoch, records=records)
        while delivery.deliver(group=group, stream=stream, offer=offer).busy:
            pass


def _refuse_failures() -> None:
    failed = InboxEntry.objects.exclude(error="").exclude(status__in=["done", "skipped"]).first()
    if failed:
        raise DeliveryFailed(f"{failed.handler} on {failed.type}:\n{failed.error}")
