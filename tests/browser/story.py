"""What happened before somebody looks: a booked trip, one that waits for a person, a letter that is dead."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from booking.models import SagaInstance
from crm.models import Membership, Provider, Relationship
from eventbus import testing
from eventbus.models import InboxEntry, OutboxEntry
from tests.integration.backoffice.people import PASSWORD, somebody


@dataclass(frozen=True, kw_only=True)
class World:
    """Ids of what there is to look at."""

    booked: UUID
    parked: UUID
    saga: UUID
    dead: int
    event: int
    relationship: int
    foreign: int


def tell(books: Any) -> World:
    """Book one trip, let another be parked, and let CRM hear of it, of one event only in vain."""
    booked = books.book("skyways:standard", "restwell:standard", "wheelio:standard")
    parked = books.book("skyways:cancel-refused", "restwell:sold-out-late")
    captured = OutboxEntry.objects.filter(type="payments.captured.v1", key=str(booked))
    captured.update(type="payments.captured.v9")
    testing.deliver(tolerate_failures=True)
    _people()
    relationships = Relationship.objects.order_by("pk")
    return World(
        booked=booked,
        parked=parked,
        saga=SagaInstance.objects.get(subject_id=parked).pk,
        dead=InboxEntry.objects.get(status="dead").pk,
        event=OutboxEntry.objects.filter(key=str(booked), type="providers.leg_booked.v1")[0].pk,
        relationship=relationships.get(provider__slug="skyways").pk,
        foreign=relationships.get(provider__slug="wheelio").pk,
    )


def _people() -> None:
    for role in ("operator", "support", "privacy officer"):
        somebody(role, password=PASSWORD)
    agent = somebody("provider staff", password=PASSWORD)
    Membership.objects.create(user=agent, provider=Provider.objects.get(slug="skyways"))
