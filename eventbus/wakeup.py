"""Waiting for a nudge, with a poll as the net."""

import logging
import random
import time
from typing import Final

import redis

from eventbus import loop

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
DRAINED_AT_ONCE: Final = 1000


class Wakeup:
    """A subscription to a channel that survives Redis going away."""

    def __init__(self, *, client: redis.Redis, channel: str, stop: loop.Stop) -> None:
        self._client = client
        self._channel = channel
        self._stop = stop
        self._subscription: redis.client.PubSub | None = None

    def listen(self) -> None:
        """Subscribe, before the first look at the log, so that no nudge falls in between.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        if self._subscription is None:
            subscription = self._client.pubsub(  # type: ignore[no-untyped-call]
                ignore_subscribe_messages=True
            )
            subscription.subscribe(self._channel)
            self._subscription = subscription

    def wait(self) -> set[str]:
        """Return what the nudges say as soon as there are any, or nothing after about a second."""
        deadline = time.monotonic() + POLL_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311
        while not self._stop.requested and (left := deadline - time.monotonic()) > 0:
            if said := self._said(left):
                return said
        return set()

    def reset(self) -> None:
        """Give up the subscription; `listen` makes a new one."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _said(self, seconds: float) -> set[str]:
        if self._subscription is None:
            self._stop.sleep(seconds)
            return set()
        said: set[str] = set()
        try:
            for _ in range(DRAINED_AT_ONCE):
                message = self._subscription.get_message(timeout=0 if said else seconds)
                if message is None:
                    break
                said.add(message["data"])
        except (redis.RedisError, OSError) as error:
            logger.info("No nudges for now, polling each second: %s", error)
            self.reset()
        return said
