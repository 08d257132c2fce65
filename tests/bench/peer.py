"""FastStream as the measure: a Redis stream consumed at least once, one committed insert an event.

Run by the Python of an environment of its own (requirements-bench.txt), never imported by the project:
`python tests/bench/peer.py --events 1000 --latencies 300 --per-second 100` prints JSON.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
import uuid
from typing import Any

import psycopg
import redis
from faststream import AckPolicy, FastStream
from faststream.redis import RedisBroker, StreamSub

STREAM, GROUP = "bench-peer", "listener"
TABLE = (
    "CREATE TABLE IF NOT EXISTS bench_peer (id bigserial PRIMARY KEY, event_id uuid, data jsonb)"
)
INSERT = "INSERT INTO bench_peer (event_id, data) VALUES (%s, %s)"
SECONDS = 60.0


class Peer:
    """One application with one subscriber, its logging off, and what it has seen so far."""

    def __init__(self, db: psycopg.AsyncConnection[Any]) -> None:
        self._db = db
        self._wanted = 0
        self._latencies: list[float] = []
        self._first = self._last = 0.0
        self._enough = asyncio.Event()
        self.broker = RedisBroker(os.environ["EVENTBUS_REDIS_URL"], logger=None)
        stream = StreamSub(STREAM, group=GROUP, consumer="one", max_records=100)
        self.broker.subscriber(stream=stream, ack_policy=AckPolicy.NACK_ON_ERROR)(self._apply)

    async def per_second(self, count: int) -> float:
        """Return events a second over a backlog of so many, from the first commit to the last."""
        self._expect(count)
        _make_group()
        for number in range(count):
            await self.broker.publish(_event(number), stream=STREAM)
        async with FastStreamRunning(self.broker):
            await asyncio.wait_for(self._enough.wait(), SECONDS)
        return (count - 1) / (self._last - self._first)

    async def latencies(self, count: int, per_second: float) -> list[float]:
        """Return milliseconds from before the publishing to after the commit, at a steady rate."""
        self._expect(count)
        async with FastStreamRunning(self.broker):
            began = time.monotonic()
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
                await self.broker.publish(_event(number), stream=STREAM)
            await asyncio.wait_for(self._enough.wait(), SECONDS)
        return self._latencies

    def _expect(self, count: int) -> None:
        self._wanted, self._latencies = count, []
        self._enough.clear()

    async def _apply(self, body: dict[str, Any]) -> None:
        await self._db.execute(INSERT, [body["id"], json.dumps(body["data"])])
        self._last = time.monotonic()
        if not self._latencies:
            self._first = self._last
        self._latencies.append(1000 * (self._last - body["at"]))
        if len(self._latencies) == self._wanted:
            self._enough.set()


class FastStreamRunning:
    """The application, running while the block lasts."""

    def __init__(self, broker: RedisBroker) -> None:
        self._app = FastStream(broker, logger=None)

    async def __aenter__(self) -> None:
        await self._app.start()

    async def __aexit__(self, *_: object) -> None:
        await self._app.stop()


def _make_group() -> None:
    """Make the group before there is a backlog: FastStream would begin at the stream's end."""
    with redis.Redis.from_url(os.environ["EVENTBUS_REDIS_URL"]) as client:
        try:
            client.xgroup_create(STREAM, GROUP, id="$", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


def _event(number: int) -> dict[str, Any]:
    """Return an event about as long as those of a trip."""
    data = {"reservation_id": str(uuid.uuid4()), "provider_id": str(uuid.uuid4()), "number": number}
    return {
        "id": str(uuid.uuid4()),
        "at": time.monotonic(),
        "data": data | {"confirmation_code": "INSTANT", "amount": "120.00", "currency": "EUR"},
    }


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    url = os.environ["DATABASE_URL"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as db:
        await db.execute(TABLE)
        peer = Peer(db)
        await peer.broker.connect()
        applied = [await peer.per_second(options.events)] if options.events else []
        latencies = (
            await peer.latencies(options.latencies, options.per_second) if options.latencies else []
        )
    return {"applied": applied, "latencies": latencies}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=0, help="of the backlog")
    parser.add_argument("--latencies", type=int, default=0, help="events at a steady rate")
    parser.add_argument("--per-second", type=float, default=100.0, help="that rate")
    logging.disable()
    sys.stdout.write(json.dumps(asyncio.run(_measure(parser.parse_args()))) + "\n")


if __name__ == "__main__":
    main()
