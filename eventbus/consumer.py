"""The consumer of a group: reads Redis, or the log while Redis is away. Several may run, one is active a stream."""

import logging
import time
from collections.abc import Iterable
from typing import Any, Final, cast

import redis

from eventbus import connections, crashpoints, delivery, log, loop, streams, wire
from eventbus.subscribe import Group

logger = logging.getLogger(__name__)

BLOCK_SECONDS: Final = 1.0
STANDBY_SECONDS: Final = 0.3
AWAY_SECONDS: Final = 5.0


class Consumer:
    """Moves a group forward on each of its streams."""

    def __init__(self, *, group: Group, stop: loop.Stop) -> None:
        self._group = group
        self._stop = stop
        self._client = connections.client(timeout=BLOCK_SECONDS + 2)
        self._progress: dict[str, delivery.Progress] = {}
        self._away_until = 0.0
        self.delivered = 0

    def prepare(self) -> None:
        """Take the group's place in each stream, making it if the group is new."""
        for stream in self._group.streams:
            position = delivery.ensure_cursor(group=self._group, stream=stream)
            epoch = log.tip(stream=stream).epoch
            self._progress[stream] = delivery.Progress(position=position, epoch=epoch, busy=False)

    def step(self) -> None:
        """Wait for events, about a second at most, and deliver them; look at the log in any case."""
        entries = self._wait()
        if entries:
            crashpoints.reached("consumer.read")
        for stream in self._group.streams:
            before = self._progress[stream]
            progress = delivery.deliver(
                group=self._group,
                stream=stream,
                offer=delivery.Offer(
                    epoch=before.epoch, after=before.position, records=entries.get(stream, ())
                ),
                stopping=lambda: self._stop.requested,
            )
            self._progress[stream] = progress
            self.delivered += progress.delivered

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _wait(self) -> dict[str, list[log.Record]]:
        """Return what Redis has after the known positions, waiting unless there is more to do at once."""
        busy = any(progress.busy for progress in self._progress.values())
        places = self._places()
        if not places:
            self._stop.sleep(STANDBY_SECONDS)
            return {}
        if time.monotonic() < self._away_until:
            self._stop.sleep(0 if busy else BLOCK_SECONDS)
            return {}
        block = None if busy else int(BLOCK_SECONDS * 1000)
        try:
            reply = self._client.xread(
                cast("dict[Any, Any]", places), count=delivery.BATCH, block=block
            )
        except (redis.RedisError, OSError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            logger.warning("Redis does not answer, reading the log: %s", error)
            return {}
        return self._records(cast("Any", reply))

    def _places(self) -> dict[str, str]:
        """Return Redis key -> last known entry, but for streams that are paused or in another worker's hands."""
        return {
            streams.redis_key(stream=stream, epoch=progress.epoch): f"{progress.position}-0"
            for stream, progress in self._progress.items()
            if progress.active
        }

    def _records(self, reply: Any) -> dict[str, list[log.Record]]:
        """Return stream -> records of an XREAD reply, which is a list of pairs or a dict."""
        pairs: Iterable[Any] = reply.items() if isinstance(reply, dict) else reply or []
        names = {
            streams.redis_key(stream=stream, epoch=progress.epoch): stream
            for stream, progress in self._progress.items()
        }
        return {names[key]: _decoded(names[key], entries) for key, entries in pairs}


def _decoded(stream: str, entries: Iterable[Any]) -> list[log.Record]:
    """Return the records up to the first entry that is not one; the log has that one."""
    records = []
    try:
        for entry_id, fields in entries:
            records.append(wire.from_entry(stream=stream, entry_id=entry_id, fields=fields))
    except (wire.WireInvalid, AttributeError) as error:
        logger.warning("Unreadable stream entry, reading the log: %s", error)
    return records
