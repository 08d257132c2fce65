"""The relay: numbers what was published and keeps the streams in Redis equal to the log. Several may run."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import redis
from django.conf import settings
from django.db.models import Min

from eventbus import connections, crashpoints, fanout, log, loop, nudge, numbering, streams, wakeup
from eventbus.models import Cursor, OutboxEntry

logger = logging.getLogger(__name__)

REDIS_SECONDS: Final = 2.0
AWAY_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 1.0


class Relay:
    """Moves each stream from the log to Redis; what Redis lost is appended again from the log."""

    def __init__(self, *, stop: loop.Stop) -> None:
        self._client = connections.client(timeout=REDIS_SECONDS)
        self._fanout = fanout.Fanout(client=self._client, cap=settings.EVENTBUS_STREAM_CAP)
        self._wakeup = wakeup.Wakeup(client=self._client, channel=nudge.channel(), stop=stop)
        self._stop = stop
        self._tails: dict[str, fanout.Tail] = {}
        self._streams = set(streams.stream_names())
        self._away_until = 0.0
        self._looked_at = 0.0
        self._nudged: set[str] = set()
        self.appended = 0

    def prepare(self) -> None:
        """Make the streams' rows; forget what was known of Redis, as either side may have changed."""
        self._tails.clear()
        self._wakeup.reset()
        for stream in self._streams:
            numbering.ensure_stream(stream=stream)

    def step(self) -> None:
        """Do one round, then wait for a nudge or a second, if there was no full batch.

        The streams that nudges named are numbered at once; each second, and without a nudge, all are looked at.
        """
        self._with_redis(self._wakeup.listen)
        looks: Mapping[str, numbering.Look | None] = dict.fromkeys(self._nudged)
        # What Redis holds is looked at anew each second, however busy: a stream without new events
        # would otherwise stay empty for as long as others keep the relay awake.
        if due := time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._tails.clear()
            self._looked_at = time.monotonic()
        if due or not looks or not looks.keys() <= self._streams:
            looks = numbering.look(streams=sorted(self._streams))
        full = [self._relay(stream, look) for stream, look in looks.items()]
        self._nudged = set() if any(full) else self._wakeup.wait()

    def close(self) -> None:
        """End the subscription and the connections."""
        self._wakeup.reset()
        self._client.close()

    def relay(self, *, stream: str) -> bool:
        """Number and append one batch; return whether there is likely to be more.

        With Redis down, numbering goes on: consumers then read the log.
        """
        return self._relay(stream, numbering.look(streams=[stream])[stream])

    def _relay(self, stream: str, look: numbering.Look | None) -> bool:
        # Before numbering: a log restored from a backup must be noticed while it is behind Redis.
        self._with_redis(partial(self._look, stream))
        if look is None or look.waiting:
            numbered = numbering.number(stream=stream)
        else:
            numbered = numbering.Numbered(tip=look.tip, records=[])
        if stream in self._tails:
            self._with_redis(partial(self._append_until, stream, numbered))
        return len(numbered.records) == numbering.BATCH

    def _with_redis(self, action: Callable[[], None]) -> None:
        """Do what needs Redis; leave it alone for a while when it does not answer."""
        if time.monotonic() < self._away_until:
            return
        try:
            action()
        except (redis.RedisError, OSError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            self._tails.clear()
            self._wakeup.reset()
            logger.warning("Redis does not answer, consumers read the log: %s", error)

    def _look(self, stream: str) -> None:
        if stream in self._tails:
            return
        epoch = log.tip(stream=stream).epoch
        tail = self._fanout.tail(key=streams.redis_key(stream=stream, epoch=epoch))
        self._believe(stream, epoch, tail)

    def _append_until(self, stream: str, numbered: numbering.Numbered) -> None:
        """Append from the known tail to the head; a mismatch corrects what is known, and goes on."""
        tip, fresh = numbered.tip, numbered.records
        key = streams.redis_key(stream=stream, epoch=tip.epoch)
        while stream in self._tails and self._tails[stream].position < tip.head:
            expected = self._tails[stream].position
            if not (fresh and fresh[0].position == expected + 1):
                fresh = self._missing(stream, expected, tip)
            if not fresh:
                logger.error("Stream %s: the log has nothing after %s", stream, expected)
                return
            actual = self._fanout.append(key=key, expected=expected, records=fresh)
            if actual is None:
                crashpoints.reached("relay.appended")
                self.appended += len(fresh)
                last = fresh[-1]
                self._tails[stream] = fanout.Tail(
                    position=last.position, event_id=str(last.event_id)
                )
                numbering.published(stream=stream, epoch=tip.epoch, position=last.position)
                crashpoints.reached("relay.marked")
            else:
                self._believe(stream, tip.epoch, actual)

    def _missing(self, stream: str, after: int, tip: log.Tip) -> list[log.Record]:
        """Read from the log what Redis lacks, leaving out what no group needs or the cap would trim."""
        slowest = Cursor.objects.filter(stream=stream).aggregate(slowest=Min("position"))["slowest"]
        after = max(after, min(slowest or 0, tip.head - 1), tip.head - settings.EVENTBUS_STREAM_CAP)
        return log.read(stream=stream, after=after, limit=numbering.BATCH)

    def _believe(self, stream: str, epoch: str, tail: fanout.Tail) -> None:
        """Adopt a tail that agrees with the log; begin a new life of the stream if it does not.

        It disagrees after PostgreSQL was restored to an earlier point: Redis then holds events that
        the log does not have. The head is read after the tail, so it cannot be behind it otherwise.
        """
        self._forget_ended_lives(stream)
        ahead = tail.position > log.tip(stream=stream).head
        if ahead or self._foreign(stream, tail):
            logger.error("Stream %s in Redis is not of this log: starting it anew", stream)
            numbering.rotate(stream=stream, epoch=epoch)
            self._forget_ended_lives(stream)
            self._tails.pop(stream, None)
        else:
            self._tails[stream] = tail

    def _forget_ended_lives(self, stream: str) -> None:
        """Delete what earlier lives of the stream left in Redis: their data may have been erased since."""
        epochs = numbering.ended_lives(stream=stream)
        if epochs:
            self._fanout.forget(keys=[streams.redis_key(stream=stream, epoch=e) for e in epochs])
            numbering.forget_lives(stream=stream, epochs=epochs)

    @staticmethod
    def _foreign(stream: str, tail: fanout.Tail) -> bool:
        entries = OutboxEntry.objects.filter(stream=stream, position=tail.position)
        ours = entries.values_list("event_id", flat=True).first()
        return bool(ours and tail.event_id) and str(ours) != tail.event_id
