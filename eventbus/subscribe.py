"""Who reacts to what: groups, handlers, retry policies. Imports no Django."""

import contextlib
import dataclasses
import functools
import inspect
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

from eventbus.events import Event

Start = Literal["beginning", "now"]
Order = Literal["key", "none"]
UnitOfWork = Callable[[], AbstractContextManager[object]]


class SubscriptionMisdeclared(TypeError):
    """A group or handler contradicts the rules; raised while its module is imported."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Meta:
    """What a handler may know about the event beside its fields; `replay` forbids to send mail."""

    event_id: UUID
    stream: str
    position: int
    key: str
    occurred_at: datetime
    correlation_id: str
    causation_id: UUID | None
    replay: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backoff:
    """Wait `first` seconds, then `factor` times longer each time up to `cap`; dead after `attempts`."""

    first: float = 2.0
    factor: float = 3.0
    cap: float = 900.0
    attempts: int = 8

    def delay(self, *, attempts: int) -> timedelta | None:
        """Return how long to wait after so many failed attempts (± 20 %), None when it is enough."""
        if attempts >= self.attempts:
            return None
        seconds = min(self.cap, self.first * self.factor ** (attempts - 1))
        return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311


@dataclasses.dataclass(frozen=True, kw_only=True)
class Handler:
    """One reaction of one group to one event."""

    group: str
    event_type: type[Event]
    function: Callable[..., object]
    retry: Backoff
    order: Order
    unit_of_work: UnitOfWork

    @property
    def name(self) -> str:
        """Return the dotted path: the identity under which the inbox remembers it."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def source(self) -> str:
        """Return where the code is, as `crm/handlers.py:14`."""
        line = inspect.unwrap(self.function).__code__.co_firstlineno
        return f"{self.function.__module__.replace('.', '/')}.py:{line}"

    @property
    def description(self) -> str:
        """Return the first line of the docstring, empty if there is none."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @functools.cached_property
    def takes_meta(self) -> bool:
        """Tell whether the function asks for more than the event."""
        return len(inspect.signature(self.function).parameters) > 1

    def run(self, event: Event, meta: Meta) -> None:
        """Call the function with as much as it asks for."""
        if self.takes_meta:
            self.function(event, meta)
        else:
            self.function(event)


F = TypeVar("F", bound=Callable[..., Any])


class Group:
    """A listener with a place of its own in each stream it reads."""

    def __init__(
        self,
        name: str,
        *,
        streams: Sequence[str],
        start: Start | None = None,
        unit_of_work: UnitOfWork = contextlib.nullcontext,
    ) -> None:
        """Register the group; `start` is where it begins when it is new.

        `unit_of_work` is entered around whatever is committed or taken back as a whole: a batch, or one
        handler. So handlers may gather what they have to write, and it is written when the block ends; best
        in `pipeline.pipelined()`, which then also takes the bus's own rows along.

        Raises:
            SubscriptionMisdeclared: the name is taken.
        """
        if name in GROUPS:
            raise SubscriptionMisdeclared(f"group {name!r} is declared twice")
        self.name = name
        self.streams = tuple(streams)
        self.start = start
        self.unit_of_work = unit_of_work
        self.module: str = sys._getframe(1).f_globals.get("__name__", "")
        self.handlers: list[Handler] = []
        GROUPS[name] = self

    def on(
        self, event_type: type[Event], *, retry: Backoff | None = None, order: Order = "key"
    ) -> Callable[[F], F]:
        """Subscribe a function; with `order="none"` it neither waits for earlier events of its key nor holds up later ones.

        Raises:
            SubscriptionMisdeclared: the function already listens to this event in this group.
        """

        def subscribe(function: F) -> F:
            handler = Handler(
                group=self.name,
                event_type=event_type,
                function=function,
                retry=retry or Backoff(),
                order=order,
                unit_of_work=self.unit_of_work,
            )
            if any((h.name, h.event_type) == (handler.name, event_type) for h in self.handlers):
                raise SubscriptionMisdeclared(f"{handler.name} listens to {event_type} twice")
            self.handlers.append(handler)
            return function

        return subscribe

    def handlers_of(self, fact: str) -> list[Handler]:
        """Return who reacts to any version of this fact, in the order of declaration."""
        return [h for h in self.handlers if getattr(h.event_type, "fact", None) == fact]


GROUPS: Final[dict[str, Group]] = {}
