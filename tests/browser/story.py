"""What happened before somebody looks: a booked trip, one that waits for a person, a letter that is dead."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.db import connections
from django.test import override_settings

from booking import tasks
from booking.models import SagaInstance
from crm.models import Membership, Provider, Relationship
from eventbus import testing
from eventbus.models import InboxEntry, OutboxEntry
from providers import services as providers
from tests import emptying
from tests.integration.backoffice.people import PASSWORD, somebody
from tests.integration.booking.ledgers import Books
from tests.integration.booking.traveller import Traveller

ROLES = ("operator", "support", "provider staff")


@dataclass(frozen=True, kw_only=True)
class World:
    """Ids of what there is to look at, and the hands that go on with it: nobody else works."""

    books: Books
    booked: UUID
    parked: UUID
    saga: UUID
    dead: int
    event: int
    relationship: int
    foreign: int


@contextmanager
def played(sandbox: Any) -> Iterator[World]:
    """Tell the story on a database that is emptied at the end."""
    places = {"SANDBOX_URL": sandbox.url, "STRIPE_API_BASE": sandbox.url}
    with (
        override_settings(**places),
        # A thread of the server lives as long as the browser's connection to it.
        patch.dict(connections.settings["default"], CONN_MAX_AGE=0),
        patch.object(tasks, "dispatch", lambda saga_id: True),
    ):
        providers.register_sandbox_partners(base_url=sandbox.url)
        books = Books(Traveller("ada@example.com"), sandbox)
        try:
            yield _tell(books)
        finally:
            books.offset = 0.0
            books.forward(0)
            emptying.empty()
            # Playwright's loop has made another context of this thread, with a connection of its own.
            connections.close_all()


def _tell(books: Books) -> World:
    """Book one trip, let another be parked, and let CRM hear of it, of one event only in vain."""
    booked = books.book("skyways:standard", "restwell:standard", "wheelio:standard")
    parked = books.book("skyways:cancel-refused", "restwell:sold-out-late")
    captured = OutboxEntry.objects.filter(type="payments.captured.v1", key=str(booked))
    captured.update(type="payments.captured.v9")
    testing.deliver(tolerate_failures=True)
    airline = Provider.objects.get(slug="skyways")
    people = {role: somebody(role, password=PASSWORD) for role in ROLES}
    Membership.objects.create(user=people["provider staff"], provider=airline)
    relationships = Relationship.objects.order_by("pk")
    return World(
        books=books,
        booked=booked,
        parked=parked,
        saga=SagaInstance.objects.get(subject_id=parked).pk,
        dead=InboxEntry.objects.get(status="dead").pk,
        event=OutboxEntry.objects.filter(key=str(booked), type="providers.leg_booked.v1")[0].pk,
        relationship=relationships.get(provider=airline).pk,
        foreign=relationships.get(provider__slug="wheelio").pk,
    )
