"""What a trip costs and leaves behind, booked by one flow and by events."""

from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from booking.confirmation import cancel_reservation
from eventbus import subscribe, testing
from eventbus.models import InboxEntry, OutboxEntry
from payments import services as payments
from providers import services as providers
from reservation import services as reservation
from tests.architecture.cost import counted
from tests.compare import kills, world
from tests.compare.world import LOSER, WINNER, Way

STORIES: Final[dict[str, dict[str, str]]] = {
    "all succeed": {},
    "the hotel is sold out": {"stay": "restwell:sold-out"},
    "the card is declined at capture": {"card": "pm_card_declineAtCapture"},
    "the hotel answers with errors only": {"stay": "restwell:error-always"},
}


@dataclass(frozen=True)
class Ended:
    """How one story ended by itself, and whether somebody knows that a person is needed."""

    left: str
    waits_for_a_person: bool


def prepared() -> None:
    """Register the sandbox's partners; nobody else works or listens: these measurements are the workers."""
    settings.SAGA_DISPATCH = "drop"
    subscribe.GROUPS.pop("crm", None)
    providers.register_sandbox_partners(base_url=settings.SANDBOX_URL)
    testing.deliver(tolerate_failures=True)  # the losing groups begin here


def stories() -> dict[str, dict[str, Any]]:
    """Return how each story ends, one way and the other."""
    prepared()
    ada = world.traveller()
    return {
        name: {way.name: asdict(_ended(way, ada, given)) for way in (WINNER, LOSER)}
        for name, given in STORIES.items()
    }


def _ended(way: Way, ada: Any, given: dict[str, str]) -> Ended:
    trip = world.composed(ada, **given)
    way.confirm(ada.account_id, trip)
    way.go_on(trip)
    dead = InboxEntry.objects.filter(key=str(trip), status=InboxEntry.Status.DEAD).exists()
    return Ended(left=world.left_behind(trip), waits_for_a_person=dead)


def statements() -> dict[str, int]:
    """Return the statements of one trip of three legs, from the command to its end."""
    prepared()
    ada = world.traveller()
    spent = {}
    for way in (WINNER, LOSER):
        world.composed(ada)  # what is looked up once a process is looked up now
        trip = world.composed(ada)
        with counted() as cost:
            way.confirm(ada.account_id, trip)
            way.go_on(trip)
        assert world.status(trip) == "confirmed", way.name
        spent[way.name] = cost.statements
    return spent


def questions() -> dict[str, Any]:
    """Count what must be asked, and of whom, to see where a trip stands that is half booked."""
    prepared()
    ada = world.traveller()
    trip = world.composed(ada)
    WINNER.confirm(ada.account_id, trip)
    WINNER.go_on(trip)
    page = ada.get(f"/api/v1/reservations/{trip}").json()
    told = {"status", "items", "payment", "progress"} <= page.keys()
    assert told, page.keys()
    asked = [
        partial(reservation.details, reservation_id=trip),
        partial(providers.orders_of, reservation_id=trip),
        partial(payments.payment_of, reservation_id=trip),
        partial(_said, trip),
    ]
    for question in asked:
        question()
    return {WINNER.name: 1, LOSER.name: len(asked)}


def _said(trip: UUID) -> list[str]:
    """Return what was said about a trip: whether it is being taken back is told nowhere else."""
    rows = OutboxEntry.objects.filter(key=str(trip)).order_by("pk")
    return list(rows.values_list("type", flat=True))


def turning_back() -> dict[str, str]:
    """Say what a traveller gets who cancels while the trip is being booked."""
    prepared()
    ada = world.traveller()
    found = {}
    for way in (WINNER, LOSER):
        trip = world.composed(ada)
        way.confirm(ada.account_id, trip)
        try:
            cancel_reservation(account_id=ada.account_id, reservation_id=trip)
            refused = ""
        except Exception as error:  # noqa: BLE001 - what comes is the measurement
            refused = f" ({type(error).__name__})"
        way.go_on(trip)
        found[way.name] = world.left_behind(trip) + refused
    return found


def crashes(*, every: int = 1) -> dict[str, Any]:
    """Kill the worker at each point of a trip (or each `every`-th), let a fresh one go on; count the ends."""
    prepared()
    return {way.name: _crashes(way, every) for way in (WINNER, LOSER)}


def crashes_without_keys(*, every: int = 1) -> dict[str, Any]:
    """The same with a hotel that knows no keys, but can be asked by our reference (class C)."""
    prepared()
    return {way.name: _crashes(way, every, stay="oldinn:standard") for way in (WINNER, LOSER)}


def _crashes(way: Way, every: int, **products: str) -> dict[str, Any]:
    ada = world.traveller()
    whole = world.composed(ada, **products)
    way.confirm(ada.account_id, whole)
    undisturbed = kills.in_a_child(lambda _: way.go_on(whole), kills.Fuse())
    points = undisturbed.last("crossed")
    left: Counter[str] = Counter()
    for point in range(1, len(points) + 1, every):
        trip = world.composed(ada, **products)
        way.confirm(ada.account_id, trip)
        told = kills.in_a_child(lambda _, trip=trip: way.go_on(trip), kills.Fuse(at=point))
        way.go_on(trip)
        if told.killed:  # a run may have a point less than the one before
            left[world.left_behind(trip)] += 1
    connection.close()
    assert left, f"{way.name} was never killed"
    return {"tried": sum(left.values()), "left": dict(left)}
