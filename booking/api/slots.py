"""A bounded number of places in this process, and of one login."""

from collections import Counter
from threading import Lock
from uuid import UUID


class Slots:
    """Places that are taken and given back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken: Counter[UUID] = Counter()

    def take(self, owner: UUID, *, most: int, most_of_one: int) -> bool:
        """Take a place; False when there is none, or the owner has as many as one may have."""
        with self._lock:
            if self._taken.total() >= most or self._taken[owner] >= most_of_one:
                return False
            self._taken[owner] += 1
            return True

    def give(self, owner: UUID) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
