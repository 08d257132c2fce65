"""A publisher and a listener made up for the bus's own tests."""

from uuid import UUID

from django.db import OperationalError, connection, transaction

from eventbus import publish
from eventbus.events import Event, Sensitive, event
from eventbus.subscribe import Backoff, Group, Meta

STREAM = "tests"


@event("tests.noted.v1", key="subject_id")
class Noted(Event):
    """A number was noted for a subject."""

    subject_id: UUID
    number: int
    author: Sensitive[str] = "nobody"


@event("tests.reacted.v1", key="subject_id")
class Reacted(Event):
    """A listener reacted to a noted number."""

    subject_id: UUID
    number: int


class Poisoned(RuntimeError):
    """The number is one that the handler cannot deal with."""


poison: set[int] = set()
unreachable: set[int] = set()
reacting: set[int] = set()

listener = Group("sample", streams=[STREAM], start="beginning")
THREE_TIMES = Backoff(first=60, factor=1, cap=60, attempts=3)


@listener.on(Noted, retry=THREE_TIMES)
def note(event: Noted, meta: Meta) -> None:
    """Write the number down."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sample_effect (subject_id, number, position, replay) VALUES (%s, %s, %s, %s)",
            [event.subject_id, event.number, meta.position, meta.replay],
        )
    if event.number in poison:
        raise Poisoned(event.number)
    if event.number in unreachable:
        raise OperationalError("the server closed the connection")
    if event.number in reacting:
        publish.publish(Reacted(subject_id=event.subject_id, number=event.number))


def say(subject_id: UUID, *numbers: int) -> list[UUID]:
    """Publish each number in a transaction of its own."""
    ids = []
    for number in numbers:
        with transaction.atomic():
            ids.append(publish.publish(Noted(subject_id=subject_id, number=number)))
    return ids


def effects() -> list[int]:
    """Return the numbers written down, in the order of writing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM sample_effect ORDER BY id")
        return [row[0] for row in cursor.fetchall()]
