"""A reservation's progress as server-sent events: what happened, as it happens.

Each event is an entry of the timeline, numbered in its order. A stream ends after a while, and a client that
was cut off comes back with the number of the last event it has (`Last-Event-ID`): nothing is lost or doubled.
A stream keeps a thread of the web server, so their number is bounded; who gets none can poll.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from booking import selectors
from booking.api import answers
from booking.api.endpoint import TravellerEndpoint
from booking.api.slots import Slots
from identity import problems
from identity.api.schema import answers as described

LAST_EVENT_ID: Final = OpenApiParameter(
    "Last-Event-ID",
    {"type": "string", "pattern": "^[0-9]{1,9}$"},
    OpenApiParameter.HEADER,
    description="The number of the last event that was received: the stream goes on after it.",
)
EVENT_ID_INVALID: Final = problems.declare(
    code="event_id_invalid", status=400, title="The Last-Event-ID is not one of ours"
)
TOO_MANY_STREAMS: Final = problems.declare(
    code="too_many_streams", status=429, title="Too many streams are open"
)
LOOK_SECONDS: Final = 0.5
SIGN_OF_LIFE_SECONDS: Final = 5.0
MOST_OF_ONE: Final = 2
_NUMBER: Final = re.compile(r"[0-9]{1,9}")

slots: Final = Slots()


class EventStreamRenderer(JSONRenderer):
    """Accepts `text/event-stream`; what it renders itself is a refusal."""

    media_type = "text/event-stream"
    format = "events"


class Events(TravellerEndpoint):
    """The progress of one reservation."""

    renderer_classes = (EventStreamRenderer, JSONRenderer)

    @extend_schema(
        operation_id="reservations_events",
        summary="Follow a reservation's progress",
        tags=["reservations"],
        parameters=[LAST_EVENT_ID],
        responses={
            (200, "text/event-stream"): answers.StreamedEvent,
            **described({204: None}, 400, 401, 403, 404),
        },
    )
    def get(self, request: Request, *, reservation_id: UUID) -> HttpResponseBase:
        """Send what happened after `Last-Event-ID`; 204 when all is over and was received: come back no more."""
        seen = number_of_last(request)
        read_on = selectors.timeline_reader(
            account_id=self.account_id, reservation_id=reservation_id
        )
        over = selectors.is_over(reservation_id=reservation_id)
        if over and not read_on(seen):
            return Response(status=status.HTTP_204_NO_CONTENT)
        if not slots.take(self.account_id, most=settings.EVENT_STREAMS, most_of_one=MOST_OF_ONE):
            raise problems.Problem(
                TOO_MANY_STREAMS, detail="Poll instead.", headers={"Retry-After": "5"}
            )
        stream = Stream(reservation_id, read_on, seen, done=lambda: slots.give(self.account_id))
        return StreamingHttpResponse(
            stream,
            content_type=EventStreamRenderer.media_type,
            headers={"X-Accel-Buffering": "no"},  # a proxy would collect what must travel at once
        )


def number_of_last(request: Request) -> int:
    """Return how many events the client has.

    Raises:
        problems.Problem: the header is no number of ours.
    """
    text = request.headers.get("Last-Event-ID", "0")
    if _NUMBER.fullmatch(text) is None:
        raise problems.Problem(EVENT_ID_INVALID)
    return int(text)


class Stream:
    """The bytes of one stream; `done` is called once, however it ends, also if it was never begun."""

    def __init__(
        self,
        reservation_id: UUID,
        read_on: Callable[[int], list[selectors.TimelineEntry]],
        seen: int,
        *,
        done: Callable[[], None],
    ) -> None:
        self._reservation_id = reservation_id
        self._read_on = read_on
        self._seen = seen
        self._done = done

    def __iter__(self) -> Iterator[bytes]:
        """Yield events until the flow is over, or the stream's time is up."""
        ends_at = time.monotonic() + settings.EVENT_STREAM_SECONDS
        quiet_since = time.monotonic()
        yield b"retry: 1000\n\n"
        while True:
            # The question before the reading: what closes a flow is written with its last entry.
            over = selectors.is_over(reservation_id=self._reservation_id)
            if entries := self._read_on(self._seen):
                quiet_since = time.monotonic()
                yield b"".join(self._told(entry) for entry in entries)
            if over:
                yield b"event: over\ndata: {}\n\n"
                return
            now = time.monotonic()
            if now >= ends_at:
                return
            if now - quiet_since >= SIGN_OF_LIFE_SECONDS:
                quiet_since = now
                yield b":\n\n"  # whoever has gone is noticed by writing
            time.sleep(min(LOOK_SECONDS, ends_at - now))

    def close(self) -> None:
        """Give the place back; the web server calls it when the answer has ended."""
        done, self._done = self._done, lambda: None
        done()

    def _told(self, entry: selectors.TimelineEntry) -> bytes:
        self._seen += 1
        data = JSONRenderer().render(answers.TimelineEntry(entry).data)
        return b"id: %d\nevent: progress\ndata: %s\n\n" % (self._seen, data)
