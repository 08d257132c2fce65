"""The labels: who dies at which side of which door. What a campaign hits and what is here must be equal.

A door that appears in the product and is not here fails the campaign, and so does one that is here
and was never died at.
"""

from collections.abc import Iterable
from typing import Final

from eventbus import crashpoints

SIDES: Final = {
    "commit": ("before", "sent"),
    "write": ("before", "after"),
    "http": ("before", "unread"),
    "publish": ("before", "after"),
    "delivery": ("popped", "noted"),
    "ack": ("before", "after"),
    "bus": ("before", "after"),
    "mail": ("before", "after"),
    "response": ("unsent", "sent"),
}
"""Door -> its two sides. A `write` is a statement that is a transaction of its own."""

DOORS_OF: Final = {
    "web": ("commit", "write", "http", "publish", "bus", "response"),
    "worker": ("commit", "write", "http", "publish", "delivery", "ack", "bus", "mail"),
    "sweeper": ("commit", "write", "http", "publish", "bus"),
    "reconciler": ("commit", "http", "publish"),
    "relay": ("commit", "write", "bus"),
    "consumer": ("commit", "publish"),
    "mailer": ("commit", "mail"),
}
"""Who works at which doors."""

LABELS: Final = frozenset(
    {
        f"{actor} {door} {side}"
        for actor, doors in DOORS_OF.items()
        for door in doors
        for side in SIDES[door]
    }
    | {f"point {name}" for name in crashpoints.POINTS}
)


def of(crossings: Iterable[str]) -> set[str]:
    """Return the labels of crossings: without what exactly was written or asked."""
    found = set()
    for crossing in crossings:
        actor, door, *rest = crossing.split(" ")
        found.add(f"point {rest[-1]}" if door == "point" else f"{actor} {door} {rest[-1]}")
    return found
