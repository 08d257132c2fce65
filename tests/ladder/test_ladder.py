"""Each rung of the ladder is there because a test of the rung below fails: both halves are held here.

One Celery worker for all rungs, the sandbox in threads, PostgreSQL and Redis of the session.
"""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

import httpx
import psycopg
import pytest
import redis
from django.utils import timezone

from devstack.binaries import PROJECT
from sandbox import server
from sandbox.settings import Durations, Settings

HANG = 4.0
SLOW = HANG / 10
HEADERS = {"authorization": "Bearer sandbox-partner-key"}
PLACES = {
    "skyways": {"origin": "LHR", "destination": "JFK"},
    "restwell": {"place": "NYC", "nights": "3"},
}


class Ground:
    """What the rungs stand on."""

    def __init__(self, sandbox: str, env: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.env = env
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start a worker and wait until it takes messages."""
        words = ["-A", "examples.ladder.app", "worker", "-P", "threads", "-c", "8", "-l", "info"]
        words += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self.worker = subprocess.Popen(
            [sys.executable, "-m", "celery", *words],
            cwd=PROJECT,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self.worker.stderr is not None
        for line in self.worker.stderr:
            if b" ready." in line:
                return
        raise AssertionError("the worker does not start")

    def kill(self) -> None:
        """Kill the worker, as a machine does that loses its power."""
        assert self.worker is not None
        self.worker.kill()
        self.worker.wait()

    def trip(self, **products: str) -> dict[str, Any]:
        """Choose a flight and a stay; `skyways="slow"` asks for another product."""
        legs = [self._leg(partner, products.get(partner, "standard")) for partner in PLACES]
        return {"id": str(uuid.uuid4()), "legs": legs}

    def _leg(self, partner: str, product: str) -> dict[str, str]:
        date = (timezone.now() + timedelta(days=30)).date().isoformat()
        url = f"{self.sandbox}/partners/{partner}/offers"
        found = httpx.get(url, params={"date": date, **PLACES[partner]}, headers=HEADERS).json()
        offer = next(offer for offer in found["offers"] if offer["product"] == product)
        chosen = {name: offer[name] for name in ("amount", "currency")}
        return {"partner": partner, "offer_id": offer["id"], **chosen}

    def standing(self, trip: dict[str, Any]) -> tuple[int, int]:
        """Return how many legs are booked and how many payments were taken, as the other side has it."""
        found = httpx.get(f"{self.sandbox}/ledger", params={"reference": trip["id"]}).json()
        booked = sum(order["status"] == "confirmed" for order in found["orders"])
        return booked, len(found["captures"])

    def orders(self, trip: dict[str, Any]) -> list[str]:
        """Return the states of the legs' orders, as the partners have them."""
        found = httpx.get(f"{self.sandbox}/ledger", params={"reference": trip["id"]}).json()
        return [order["status"] for order in found["orders"]]

    def ends(self, trip: dict[str, Any], expected: tuple[int, int], *, seconds: float = 8) -> bool:
        """Whether the other side comes to have so many bookings and payments, and keeps them."""
        ends_at = time.monotonic() + seconds
        while self.standing(trip) != expected:
            if time.monotonic() > ends_at:
                return False
            time.sleep(0.05)
        time.sleep(0.3)
        return self.standing(trip) == expected


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The sandbox and a worker."""
    settings = Settings(durations=Durations.from_hang(HANG))
    ledger = tmp_path_factory.mktemp("ladder") / "ledger.sqlite3"
    running = server.serve(ledger_path=ledger, settings=settings)
    env = {**os.environ, "SANDBOX_URL": running.url}
    with patched(env):
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
            db.execute(import_module("examples.ladder.table").TABLES)
        stands = Ground(running.url, env)
        stands.start()
        yield stands
        stands.kill()
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
            db.execute("DROP TABLE ladder_saga, ladder_step")
    running.shutdown()


@contextmanager
def patched(env: dict[str, str]) -> Iterator[None]:
    """Let the rungs find the sandbox in this process, too."""
    before = os.environ.get("SANDBOX_URL")
    os.environ["SANDBOX_URL"] = env["SANDBOX_URL"]
    yield
    if before is None:
        del os.environ["SANDBOX_URL"]
    else:
        os.environ["SANDBOX_URL"] = before


def rung(name: str) -> ModuleType:
    """Return a rung; its Celery app is made here, when the broker is known."""
    return import_module(f"examples.ladder.{name}")


@pytest.mark.parametrize("name", ["naive", "side_by_side", "retries", "keys", "table", "sweeper"])
def test_on_every_rung_a_trip_is_booked_when_nothing_goes_wrong(ground: Ground, name: str) -> None:
    trip = ground.trip()

    rung(name).confirm(trip)

    assert ground.ends(trip, (2, 1))


class TestSideBySide:
    """An airline that does not answer, and a hotel that would."""

    @pytest.fixture(autouse=True)
    def silent_airline(self, ground: Ground) -> Iterator[None]:
        """Let the airline keep every call waiting."""
        url = f"{ground.sandbox}/control/outage"
        self.trips = {name: ground.trip() for name in ("naive", "side_by_side")}
        httpx.post(url, json={"partner": "skyways", "mode": "hang"}).raise_for_status()
        yield
        httpx.post(url, json={"partner": "skyways", "mode": "ok"}).raise_for_status()

    def test_a_chord_asks_the_hotel_meanwhile_and_a_chain_does_not(self, ground: Ground) -> None:
        for name, trip in self.trips.items():
            rung(name).confirm(trip)

        assert ground.ends(self.trips["side_by_side"], (1, 0))
        assert ground.standing(self.trips["naive"]) == (0, 0)


def test_without_retries_one_error_of_a_partner_leaves_half_a_trip(ground: Ground) -> None:
    trip = ground.trip(restwell="error-once")

    rung("side_by_side").confirm(trip)

    assert ground.ends(trip, (1, 0), seconds=4)


@pytest.mark.parametrize("name", ["retries", "table"])
def test_with_retries_an_error_is_overcome(ground: Ground, name: str) -> None:
    trip = ground.trip(restwell="error-once")

    rung(name).confirm(trip)

    assert ground.ends(trip, (2, 1))


def test_with_retries_alone_a_lost_answer_books_twice(ground: Ground) -> None:
    trip = ground.trip(restwell="timeout-after")

    rung("retries").confirm(trip)

    assert ground.ends(trip, (3, 1))


@pytest.mark.parametrize("name", ["keys", "table"])
def test_with_keys_a_lost_answer_books_once(ground: Ground, name: str) -> None:
    trip = ground.trip(restwell="timeout-after")

    rung(name).confirm(trip)

    assert ground.ends(trip, (2, 1))


def test_without_a_table_nobody_takes_the_flight_back(ground: Ground) -> None:
    trip = ground.trip(restwell="sold-out")

    rung("keys").confirm(trip)

    assert ground.ends(trip, (1, 0), seconds=4)


def test_with_a_table_a_refusal_takes_everything_back(ground: Ground) -> None:
    trip = ground.trip(restwell="sold-out-late")

    rung("table").confirm(trip)

    assert _becomes(ground, trip, "failed")
    assert ground.orders(trip) == ["cancelled"], "the flight was booked, and taken back"
    assert ground.standing(trip) == (0, 0)


def _becomes(ground: Ground, trip: dict[str, Any], state: str, *, seconds: float = 8) -> bool:
    """Whether the row of a trip comes to have a state."""
    query = "SELECT state FROM ladder_saga WHERE id = %s"
    ends_at = time.monotonic() + seconds
    with psycopg.connect(ground.env["DATABASE_URL"], autocommit=True) as db:
        while time.monotonic() < ends_at:
            if db.execute(query, [trip["id"]]).fetchone() == (state,):
                return True
            time.sleep(0.05)
    return False


def test_a_killed_worker_is_the_end_of_a_chain_unless_messages_are_acknowledged_at_the_end(
    ground: Ground,
) -> None:
    naive, keys = ground.trip(restwell="slow"), ground.trip(restwell="slow")
    for name, trip in (("naive", naive), ("keys", keys)):
        rung(name).confirm(trip)
        assert _begins(ground, trip)
    ground.kill()

    ground.start()

    assert ground.ends(keys, (2, 1), seconds=15), "another worker goes on"
    booked, paid = ground.standing(naive)
    assert booked > 0, "a part of the trip stands"
    assert paid == 0, "and nobody pays for it, or takes it back"


def test_a_lost_message_is_the_end_without_a_sweeper(ground: Ground) -> None:
    lost, found = ground.trip(), ground.trip()
    ground.kill()
    rung("table").confirm(lost)
    rung("sweeper").confirm(found)
    redis.Redis.from_url(os.environ["REDIS_URL"]).flushdb()
    ground.start()
    assert not ground.ends(lost, (2, 1), seconds=1.5)

    rung("sweeper").sweep(seconds=1.5)

    assert ground.ends(found, (2, 1))


def _begins(ground: Ground, trip: dict[str, Any], *, seconds: float = 8) -> bool:
    """Whether the first leg of a trip comes to be booked; asked as often as possible."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if ground.standing(trip)[0]:
            return True
    return False
