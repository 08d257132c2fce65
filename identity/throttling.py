"""Limits on how often: what costs money or invites guessing is counted in PostgreSQL, the rest in memory.

No answer depends on Redis, and REST framework's own throttles count in a cache, not atomically.
"""

import time
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from identity.models import Tally, normalise_email
from identity.rates import Rate


class Throttle(BaseThrottle):
    """One limit on one request."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._left = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request, and return whether it is within the limit."""
        used, self._left = self.counted(request)
        return used <= self.rate.count * int(settings.API_RATE_FACTOR)

    def counted(self, request: Request) -> tuple[int, float]:
        """Return how many there were in the window, this one too, and for how many seconds it lasts."""
        return Tally.add(key=self._key(request), seconds=self.rate.seconds)

    def wait(self) -> float:
        """Return after how many seconds it is worth trying again."""
        return self._left

    def _key(self, request: Request) -> str:
        """Return a digest of whom the limit is about: no table needs their addresses."""
        match self.rate.by:
            case "address":
                about = normalise_email(str(dict(request.data).get("email", "")))
            case "login" if request.user.is_authenticated:
                about = str(request.user.pk)
            case _:
                about = f"client {self.get_ident(request)}"
        return salted_hmac(f"identity.throttling.{self.rate.name}", about).hexdigest()


class MemoryThrottle(Throttle):
    """A limit that each process counts for itself: no statement, and gone with the process."""

    def counted(self, request: Request) -> tuple[int, float]:
        """Count in this process."""
        return _WINDOWS.count(self._key(request), seconds=self.rate.seconds)


class _Windows:
    """Counts of the present window, for everybody at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, int] = {}
        self._ends_at = 0.0

    def count(self, key: str, *, seconds: float) -> tuple[int, float]:
        """Return the count with this one, and the seconds to the end of the window."""
        now = time.monotonic()
        with self._lock:
            if now >= self._ends_at:
                self._counts, self._ends_at = {}, now + seconds
            used = self._counts[key] = self._counts.get(key, 0) + 1
            return used, self._ends_at - now


_WINDOWS: Final = _Windows()
