"""The Celery app of all rungs, as a beginner's: nothing but a broker and a place for results."""

import os

from celery import Celery

RUNGS = ("naive", "side_by_side", "retries", "keys", "table", "sweeper")

app = Celery(
    "examples.ladder.app",
    broker=os.environ["REDIS_URL"],
    backend=os.environ["REDIS_URL"],
    include=[f"examples.ladder.{rung}" for rung in RUNGS],
)
app.conf.broker_transport_options = {
    "global_keyprefix": "ladder:",
    "visibility_timeout": 2,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 0,
}
app.conf.worker_prefetch_multiplier = 1
