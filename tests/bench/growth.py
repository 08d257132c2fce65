"""The bus with a small log and with a large one: what depends on the size of its tables?"""

import statistics
from typing import Any, Final

from django.db import connection, transaction

from eventbus.models import Cursor, Stream
from tests.bench import bus, latency

SIZES: Final = (10_000, 1_000_000)
"""Rows in the log, and as many in the inbox."""
STEADY: Final = 100.0
"""Events a second at which latencies are taken."""
OLD_EVENTS: Final = """
    INSERT INTO eventbus_outbox (event_id, stream, position, type, key, data, occurred_at,
        correlation_id, traceparent, actor)
    SELECT gen_random_uuid(), %s, position, 'payments.authorised.v1', gen_random_uuid(),
        jsonb_build_object('reservation_id', gen_random_uuid(), 'payment_id', gen_random_uuid(),
            'amount', '360.00', 'currency', 'EUR'),
        now() - interval '30 days', gen_random_uuid(), '', ''
    FROM generate_series(%s::bigint + 1, %s) AS position
"""
THEIR_INBOX: Final = """
    INSERT INTO eventbus_inbox ("group", handler, event_id, stream, position, type, key, ordered,
        status, attempts, error, finished_at, resolved_by, reason)
    SELECT 'crm', 'crm.handlers.record_payment', event_id, stream, position, type, key, true,
        'done', 1, '', now(), '', ''
    FROM eventbus_outbox WHERE stream = %s AND position BETWEEN %s AND %s
"""


def figures(*, rounds: int, count: int) -> list[dict[str, Any]]:
    """Return, for each size, the median of some rounds, the cost of publishing, and latencies."""
    bus.caught_up()
    return [_at(size, rounds=rounds, count=count) for size in SIZES]


def _at(size: int, *, rounds: int, count: int) -> dict[str, Any]:
    _grow(size)
    turns = [bus.backlog(count) for _ in range(rounds)]
    return {
        "rows": size,
        "relayed": statistics.median(relayed for relayed, _ in turns),
        "applied": statistics.median(applied for _, applied in turns),
        "publish_ms": bus.cost_of_publishing(count)["publish_ms"],
        "p50_ms": statistics.median(latency.at(STEADY).milliseconds),
    }


def _grow(size: int) -> None:
    """Put old events, long delivered, beneath what comes next."""
    with transaction.atomic():
        stream = Stream.objects.select_for_update().get(name=bus.STREAM)
        cursor = Cursor.objects.select_for_update().get(group="crm", stream=bus.STREAM)
        end = max(stream.head, size)
        with connection.cursor() as statements:
            statements.execute("SET LOCAL statement_timeout = 0")
            statements.execute(OLD_EVENTS, [bus.STREAM, stream.head, end])
            statements.execute(THEIR_INBOX, [bus.STREAM, stream.head + 1, end])
        Stream.objects.filter(pk=stream.pk).update(head=end)
        Cursor.objects.filter(pk=cursor.pk).update(position=end)
    with connection.cursor() as statements:
        statements.execute("SET statement_timeout = 0")
        statements.execute("VACUUM ANALYZE eventbus_outbox, eventbus_inbox")
