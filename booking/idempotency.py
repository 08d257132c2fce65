"""Remember the answer to an Idempotency-Key, so that a request that is repeated acts once.

The row is inserted and committed before the work starts: of two concurrent requests the unique
index lets one through. An answer is kept for a day. Whoever crashed while working is taken over
when its lease has run out; if the answer was committed with the effects, it is given instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from booking.models import IdempotencyRecord
from booking.orchestrator import store

ANSWERING: Final = timedelta(seconds=15)
"""How long, after the effects, the holder may still wait for a better answer (`Prefer: wait=10`)."""
KEPT: Final = timedelta(hours=24)


class KeyReused(Exception):
    """The key was used before with another body."""

    code = "idempotency_key_reused"


class KeyInFlight(Exception):
    """A request with the key is being worked on; ask again in a second."""

    code = "idempotency_key_in_flight"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What makes a request the same: who asked for what, under which key, with which body."""

    scope: str
    route: str
    key: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to work on a request, until the lease runs out."""

    record_id: int
    holder: UUID


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer; `body` is JSON text, "" for none."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def claim(request: Request) -> Claim | Answer:
    """Return the right to work on a request, or the answer it got before.

    Raises:
        KeyReused: the key came with another body before.
        KeyInFlight: somebody is working on it.
    """
    holder, now = uuid4(), store.now()
    with transaction.atomic():
        _forget_old(now)
        record, created = IdempotencyRecord.objects.get_or_create(
            scope=request.scope,
            route=request.route,
            key=request.key,
            defaults={
                "fingerprint": request.fingerprint,
                "holder": holder,
                "created_at": now,
                "leased_until": now + _lease(),
            },
        )
        if created:
            return Claim(record_id=record.pk, holder=holder)
        locked = IdempotencyRecord.objects.select_for_update().filter(pk=record.pk).first()
        if locked is None:
            raise KeyInFlight("A request with this key has just ended; repeat it.")
        return _take_over(locked, request, holder=holder, now=now)


def commit_with_effects(claimed: Claim, answer: Answer) -> None:
    """Store the answer in the caller's transaction: from here a crash changes nothing for the client.

    Raises:
        KeyInFlight: the lease ran out and somebody else works on the request.
    """
    _store(claimed, answer, leased_until=store.now() + ANSWERING)


def finish(claimed: Claim, answer: Answer) -> None:
    """Store the final answer; it will be repeated for a day.

    Raises:
        KeyInFlight: the lease ran out and somebody else works on the request.
    """
    _store(claimed, answer, finished_at=store.now())


def abandon(claimed: Claim) -> None:
    """Forget a request that had no effect, so that the key can be used again."""
    # Where a commit was cut off but succeeded, the answer is there and must stay.
    IdempotencyRecord.objects.filter(
        pk=claimed.record_id, holder=claimed.holder, status=None
    ).delete()


def _take_over(
    record: IdempotencyRecord, request: Request, *, holder: UUID, now: datetime
) -> Claim | Answer:
    if record.created_at < now - KEPT:
        record.fingerprint, record.created_at = request.fingerprint, now
        record.status, record.headers, record.body, record.finished_at = None, {}, "", None
    elif record.fingerprint != request.fingerprint:
        raise KeyReused("This key was used with another body; take a new one.")
    elif record.finished_at is None and record.leased_until > now:
        raise KeyInFlight("A request with this key is being worked on.")
    if record.status is not None:
        record.finished_at = record.finished_at or now
        record.save(update_fields=["finished_at"])
        return Answer(status=record.status, headers=record.headers, body=record.body)
    record.holder, record.leased_until = holder, now + _lease()
    record.save()
    return Claim(record_id=record.pk, holder=holder)


def _store(claimed: Claim, answer: Answer, **times: Any) -> None:
    changed = IdempotencyRecord.objects.filter(
        pk=claimed.record_id, holder=claimed.holder, finished_at=None
    ).update(
        status=answer.status,
        headers=dict(answer.headers),
        body=answer.body,
        **times,
    )
    if not changed:
        raise KeyInFlight("Another request with this key has taken over.")


def _lease() -> timedelta:
    return timedelta(seconds=settings.IDEMPOTENCY_LEASE_SECONDS)


def _forget_old(now: datetime) -> None:
    old = IdempotencyRecord.objects.filter(created_at__lt=now - KEPT).order_by("pk")
    chosen = old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:20]
    IdempotencyRecord.objects.filter(pk__in=chosen).delete()
