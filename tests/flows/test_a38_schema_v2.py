"""A38: an event moves to version 2: old rows reach the new handler; a break without a version fails CI."""

from decimal import Decimal
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import transaction

from eventbus import events, publish, subscribe, testing
from eventbus.events import Event, event, upcast
from eventbus.models import InboxEntry, OutboxEntry
from eventbus.subscribe import Group

pytestmark = pytest.mark.django_db

Heard = list[tuple[str, Decimal, str]]


@pytest.fixture(autouse=True)
def documents(monkeypatch, settings, tmp_path):
    """A project whose only events and listeners are those of the story, with documents of its own."""
    for module, name in ((events, "TYPES"), (events, "UPCASTERS"), (subscribe, "GROUPS")):
        monkeypatch.setattr(module, name, {})
    settings.EVENTBUS_OWNERS = {"tests": "tests"}
    settings.BASE_DIR = tmp_path
    return tmp_path / "docs"


def first_version() -> type[Event]:
    @event("tests.sold.v1", key="thing_id")
    class Sold(Event):
        """A thing was sold."""

        thing_id: UUID
        price: Decimal

    listening_to(Sold, [])
    return Sold


def second_version(wire_name: str) -> type[Event]:
    """Declare what the event has become, under a name that says so or does not."""
    for registry in (events.TYPES, events.UPCASTERS, subscribe.GROUPS):
        registry.clear()

    @event(wire_name, key="thing_id")
    class Sold(Event):
        """A thing was sold, in a currency."""

        thing_id: UUID
        amount: Decimal
        currency: str

    return Sold


def listening_to(event_type: type[Event], heard: Heard) -> None:
    shop = Group("shop", streams=["tests"], start="beginning")

    @shop.on(event_type)
    def note(sold) -> None:
        """Note what was sold."""
        heard.append((sold.wire_name, sold.amount, sold.currency))


def catalogue(*options: str) -> int:
    try:
        call_command("eventbus", "catalogue", *options, stdout=StringIO())
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def test_old_rows_reach_the_new_handler_through_the_upcaster():
    sold_v1 = first_version()
    with transaction.atomic():
        publish.publish(sold_v1(thing_id=uuid4(), price=Decimal("9.90")))

    heard: Heard = []
    sold_v2 = second_version("tests.sold.v2")
    listening_to(sold_v2, heard)
    upcast("tests.sold.v1")(
        lambda data: {
            "thing_id": data["thing_id"],
            "amount": data["price"],
            "currency": "EUR",
        }
    )
    with transaction.atomic():
        publish.publish(sold_v2(thing_id=uuid4(), amount=Decimal("8.80"), currency="USD"))
    testing.deliver()

    assert [kind for (kind,) in OutboxEntry.objects.order_by("id").values_list("type")] == [
        "tests.sold.v1",
        "tests.sold.v2",
    ]
    assert heard == [
        ("tests.sold.v2", Decimal("9.90"), "EUR"),
        ("tests.sold.v2", Decimal("8.80"), "USD"),
    ]


def test_without_an_upcaster_the_old_row_is_dead_at_once_and_the_check_says_why():
    sold_v1 = first_version()
    with transaction.atomic():
        publish.publish(sold_v1(thing_id=uuid4(), price=Decimal("9.90")))

    listening_to(second_version("tests.sold.v2"), [])
    testing.deliver(tolerate_failures=True)

    dead = InboxEntry.objects.get()
    assert (dead.status, dead.attempts) == ("dead", 1)
    assert "nothing leads from tests.sold.v1" in dead.error
    with pytest.raises(SystemCheckError, match="nothing upcasts version 1"):
        call_command("check", "--tag", "eventbus")


def test_a_break_without_a_version_fails_ci(documents, capsys):
    first_version()
    assert catalogue() == 0

    listening_to(second_version("tests.sold.v1"), [])

    assert catalogue("--check") == 1
    assert "tests.sold.v1" in (documents / "events.lock.json").read_text()


def test_a_new_version_with_its_upcaster_passes(documents):
    first_version()
    assert catalogue() == 0

    listening_to(second_version("tests.sold.v2"), [])
    upcast("tests.sold.v1")(dict)

    assert catalogue("--check") == 1, "the documents are out of date"
    assert catalogue() == 0
    assert catalogue("--check") == 0
