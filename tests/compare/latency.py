"""From the command to the confirmed trip, with real processes: the workers of the chain, or relay and consumers."""

import statistics
import time
from typing import Final
from uuid import UUID

from django.conf import settings

from providers import services as providers
from tests.compare import world
from tests.compare.world import LOSER, WINNER

SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.002


def of_trips(*, count: int = 15) -> dict[str, float]:
    """Return the median milliseconds of one trip at a time, the two ways in turns."""
    providers.register_sandbox_partners(base_url=settings.SANDBOX_URL)
    ada = world.traveller()
    times: dict[str, list[float]] = {WINNER.name: [], LOSER.name: []}
    for way in (WINNER, LOSER) * (count + 1):
        trip = world.composed(ada)
        began = time.perf_counter()
        way.confirm(ada.account_id, trip)
        _until_confirmed(trip)
        times[way.name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(each[1:]) for name, each in times.items()}  # the first warms up


def behind_a_slow_hotel() -> dict[str, float]:
    """Return how many milliseconds a trip takes that is confirmed just after one whose hotel is slow."""
    providers.register_sandbox_partners(base_url=settings.SANDBOX_URL)
    ada = world.traveller()
    times = {}
    for way in (WINNER, LOSER):
        slow, trip = world.composed(ada, stay="restwell:slow"), world.composed(ada)
        way.confirm(ada.account_id, slow)
        time.sleep(0.1)
        began = time.perf_counter()
        way.confirm(ada.account_id, trip)
        _until_confirmed(trip)
        times[way.name] = 1000 * (time.perf_counter() - began)
        _until_confirmed(slow)
    return times


def _until_confirmed(trip: UUID) -> None:
    ends_at = time.monotonic() + SECONDS
    while world.status(trip) != "confirmed":
        if time.monotonic() > ends_at:
            raise TimeoutError(f"{trip} is {world.status(trip)}")
        time.sleep(LOOK_SECONDS)
