"""`Prefer: wait=n` (RFC 7240): answer late, but finally, to whoever asks for it."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from rest_framework.request import Request

from booking import selectors
from booking.api.slots import Slots

LONGEST: Final = 10.0
MOST: Final = 3
"""So many requests wait in each web process, which has eight threads."""
_EVERYBODY: Final = UUID(int=0)
_places: Final = Slots()
_WAIT: Final = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)', re.IGNORECASE)


def seconds_preferred(request: Request) -> float:
    """Return how many seconds the client wants to wait for the final answer, 10 at most; else 0."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found.group(1)), LONGEST) if found else 0.0


@contextmanager
def place(seconds: float) -> Iterator[float]:
    """Lend a place to wait for so many seconds; 0 when all are taken: whoever waits keeps a thread."""
    taken = seconds > 0 and _places.take(_EVERYBODY, most=MOST, most_of_one=MOST)
    try:
        yield seconds if taken else 0.0
    finally:
        if taken:
            _places.give(_EVERYBODY)


def is_final(
    *,
    reservation_id: UUID,
    within: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Return whether the reservation's flow is over, asking again for up to `within` seconds.

    Each look is a query of its own: no transaction stays open meanwhile. Where only a person can
    bring it on, waiting stops.
    """
    give_up_at, step = clock() + within, 0.05
    while (settled := selectors.is_settled(reservation_id=reservation_id)) is False:
        left = give_up_at - clock()
        if left <= 0:
            return False
        pause(min(step, left))
        step = min(step * 1.5, 0.25)
    return settled is True
