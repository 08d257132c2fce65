"""One run: writers, relays and consumers as processes, and somebody who kills them and robs Redis."""

import dataclasses
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, Final

import psycopg
import redis

from tests.chaos import bus_world as world

WRITERS, RELAYS, CONSUMERS = 6, 2, 3
DUMPS_KEPT: Final = 4
STUCK_SECONDS: Final = 12.0
CALM_FLUSHES, CALM_EVENTS = 3, 600
MISCHIEF: Final[dict[str, int]] = {
    "kill a relay": 8,
    "kill a consumer": 8,
    "stale failover": 3,
    "delete the stream": 2,
    "trim the stream": 2,
    "FLUSHALL": 2,
}
FORKS: Final = multiprocessing.get_context("forkserver")


@dataclasses.dataclass(kw_only=True)
class Outcome:
    """What was done to a bus and what came of it."""

    name: str
    verdict: world.Verdict
    whereabouts: dict[str, object]
    seconds: float
    mischief: Counter[str]
    catch_up_seconds: list[float]
    never_caught_up: int
    calm_seconds: list[float]


class Run:
    """One bus under chaos."""

    def __init__(self, bus: ModuleType, *, seed: int, events: int, rate: float) -> None:
        self._bus = bus
        self._events = events
        self._rate = rate
        self._seed = seed
        self._dice = random.Random(seed)
        self._client = redis.Redis.from_url(os.environ["EVENTBUS_REDIS_URL"], protocol=2)
        self._db: psycopg.Connection[Any] = world.connect()
        self._workers: dict[tuple[str, int], BaseProcess] = {}
        self._dumps: list[tuple[str, bytes]] = []
        self._flushes: list[tuple[float, int]] = []
        self._caught_up: list[float] = []
        self._done: Counter[str] = Counter()

    def go(self, *, most_seconds: float) -> Outcome:
        """Run until everything is applied, nothing moves any more, or the time is over."""
        world.prepare()
        self._bus.prepare()
        self._client.flushall()
        began = time.monotonic()
        writers = self._writers(self._events, seed=self._seed)
        for number in range(RELAYS):
            self._start("relay", number)
        for number in range(CONSUMERS):
            self._start("consume", number)
        try:
            while any(w.is_alive() for w in writers) and time.monotonic() - began < most_seconds:
                self._tick()
            self._flush()
            self._done["FLUSHALL"] += 1
            self._until_quiet(time.monotonic() + STUCK_SECONDS)
            stranded = len(self._flushes)
            calm = self._writers(CALM_EVENTS, seed=self._seed + 1000)
            writers += calm
            recoveries = [self._recovery() for _ in range(CALM_FLUSHES)]
            while any(w.is_alive() for w in calm):
                self._watch()
                time.sleep(0.1)
            self._until_quiet(began + most_seconds)
        finally:
            for process in [*writers, *self._workers.values()]:
                process.kill()
                process.join()
        verdict = world.judge(self._db, outbox=self._bus.OUTBOX)
        return Outcome(
            name=self._bus.NAME,
            verdict=verdict,
            whereabouts=self._bus.whereabouts() if verdict.missing else {},
            seconds=time.monotonic() - began,
            mischief=self._done,
            catch_up_seconds=self._caught_up,
            never_caught_up=stranded,
            calm_seconds=recoveries,
        )

    def _recovery(self) -> float:
        """Empty Redis while events are written and nothing else is wrong; return the seconds until it is made good.

        Made good: whatever was committed before has had its effect. A bus that never does counts as
        `STUCK_SECONDS`.
        """
        time.sleep(0.5)
        self._client.flushall()
        began, row = time.monotonic(), world.last_row(self._db, outbox=self._bus.OUTBOX)
        while time.monotonic() < began + STUCK_SECONDS:
            if world.applied(self._db, outbox=self._bus.OUTBOX, up_to=row):
                break
            time.sleep(0.01)
        return time.monotonic() - began

    def _writers(self, events: int, *, seed: int) -> list[BaseProcess]:
        share = events // WRITERS
        counts = [share + (number < events % WRITERS) for number in range(WRITERS)]
        writers = [
            FORKS.Process(
                target=self._bus.write, args=(seed * 100 + n, count, self._rate / WRITERS)
            )
            for n, count in enumerate(counts)
        ]
        for writer in writers:
            writer.start()
        return writers

    def _start(self, role: str, number: int) -> None:
        process = FORKS.Process(target=getattr(self._bus, role), daemon=True)
        process.start()
        self._workers[role, number] = process

    def _kill(self, role: str, count: int) -> None:
        number = self._dice.randrange(count)
        self._workers[role, number].kill()
        self._workers[role, number].join()
        self._start(role, number)

    def _tick(self) -> None:
        """Do one thing, then let some time pass."""
        act = self._dice.choices([*MISCHIEF], [*MISCHIEF.values()])[0]
        if self._acts()[act]() is not False:
            self._done[act] += 1
        self._remember()
        deadline = time.monotonic() + self._dice.uniform(0.3, 0.9)
        while time.monotonic() < deadline:
            self._watch()
            time.sleep(0.05)

    def _acts(self) -> dict[str, Callable[[], object]]:
        return {
            "kill a relay": lambda: self._kill("relay", RELAYS),
            "kill a consumer": lambda: self._kill("consume", CONSUMERS),
            "stale failover": self._fail_over,
            "delete the stream": lambda: self._client.delete(self._bus.redis_key()),
            "trim the stream": lambda: self._client.xtrim(
                self._bus.redis_key(), maxlen=self._dice.randrange(5), approximate=False
            ),
            "FLUSHALL": self._flush,
        }

    def _remember(self) -> None:
        """Keep what a replica that lags behind would have."""
        key = self._bus.redis_key()
        if dump := self._client.dump(key):
            self._dumps = [*self._dumps, (key, dump)][-DUMPS_KEPT:]  # type: ignore[list-item]

    def _fail_over(self) -> bool:
        """Put the stream back to what it was a second or two ago."""
        if not self._dumps:
            return False
        key, dump = self._dumps[0]
        self._client.restore(key, 0, dump, replace=True)  # type: ignore[arg-type]
        return True

    def _flush(self) -> None:
        self._client.flushall()
        self._flushes.append((time.monotonic(), world.last_row(self._db, outbox=self._bus.OUTBOX)))

    def _watch(self) -> None:
        """Note how long it took until everything that was committed before a FLUSHALL was applied."""
        for began, row in list(self._flushes):
            if world.applied(self._db, outbox=self._bus.OUTBOX, up_to=row):
                self._caught_up.append(time.monotonic() - began)
                self._flushes.remove((began, row))

    def _until_quiet(self, deadline: float) -> None:
        seen, moved_at = -1, time.monotonic()
        while time.monotonic() < min(deadline, moved_at + STUCK_SECONDS):
            self._watch()
            verdict = world.judge(self._db, outbox=self._bus.OUTBOX)
            if not verdict.missing and not self._flushes:
                return
            if verdict.effects != seen:
                seen, moved_at = verdict.effects, time.monotonic()
            time.sleep(0.2)
