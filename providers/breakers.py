"""One breaker for each partner: who does not answer is left alone for a while, and asked by one call at a time.

The states are those of Nygard, "Release It!" (2007): *closed*, no row or one that counts; *open*, until
`open_until`; then *half-open*: one call finds out, the others wait for it. The rows are in PostgreSQL, so
that all processes share what one of them has learnt, and an operator can look at it.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from outbound.call import Call, Pause
from providers.models import Breaker, Partner

FORGOTTEN_AFTER: Final = timedelta(minutes=2)
"""A call that failed longer ago says nothing about the partner of today."""
LONGEST: Final = 8
"""So many times the first pause is the longest."""


@dataclass(frozen=True)
class _Times:
    """Until when a partner is left alone, and when it was last asked whether it is back.

    `ends_at` is the former by time.monotonic(): what has no time of the database at hand can compare with it.
    """

    open_until: datetime | None
    asked_at: datetime | None
    ends_at: float


@dataclass(frozen=True)
class _Look:
    """The breakers that have a row, by the partner's slug, as they were a moment ago."""

    at: float
    times: dict[str, _Times]


_NEVER: Final = _Look(at=float("-inf"), times={})
_look = _NEVER


class Guarded:
    """An operation behind its partner's breaker; `call.given` names the partner by the offer."""

    def pause(self, call: Call) -> Pause | None:
        """Leave alone who does not answer."""
        return pause_of(slug=_slug(call), now=call.now)

    def record_failure(self, error: str, call: Call) -> None:
        """Count the call against the partner."""
        failed(slug=_slug(call), key=call.key, now=call.now)

    def record_contact(self, call: Call) -> None:
        """Clear the partner: it answered."""
        answered(slug=_slug(call))


def pause_of(*, slug: str, now: datetime) -> Pause | None:
    """Return how long a partner is to be left alone; None: call it.

    When the time is up, the caller that hears None first is the one that finds out.
    """
    seen = _looked().get(slug)
    if seen is None or seen.open_until is None:
        return None
    return _wait(slug, seen.open_until, seen.asked_at, now) or _let_one_through(slug, now)


def is_left_alone(*, slug: str) -> bool:
    """Tell whether a partner is to be left alone now, without being the one that finds out."""
    seen = _looked().get(slug)
    return seen is not None and time.monotonic() < seen.ends_at


def failed(*, slug: str, key: str, now: datetime) -> None:
    """Count a call that got no usable answer, once however often it is repeated; open at the last straw."""
    with transaction.atomic():
        breaker = _locked(slug)
        if breaker.open_until is not None:
            return  # what was under way when it opened, or the one that found out
        recent = (now - FORGOTTEN_AFTER).isoformat()
        breaker.failing = {k: at for k, at in breaker.failing.items() if at > recent}
        breaker.failing[key] = now.isoformat()
        if len(breaker.failing) >= settings.PARTNER_BREAKER_CALLS:
            breaker.opened_at, breaker.rounds = now, 1
            breaker.open_until = now + _pause(breaker.rounds)
        breaker.save()
    forget()


def answered(*, slug: str) -> None:
    """Close the breaker: the partner answers, be it with a no, or that it knows nothing."""
    if slug in _looked():
        Breaker.objects.filter(partner__slug=slug).delete()
        forget()


def forget() -> None:
    """Look again at the next question."""
    global _look
    _look = _NEVER


def _wait(
    slug: str, open_until: datetime, asked_at: datetime | None, now: datetime
) -> Pause | None:
    """Return how long to wait at an open breaker; None: its time is up.

    While the partner is being asked whether it is back, who waits looks again after as long as it has been
    asked already: soon when it answers at once, and a few times only when it does not.
    """
    if now >= open_until:
        return None
    until, asking = open_until, timedelta(seconds=settings.SAGA_CALL_SECONDS)
    if asked_at is not None and now < asked_at + asking:
        patience = max(now - asked_at, timedelta(seconds=settings.SAGA_BACKOFF_SECONDS))
        until = min(open_until, asked_at + asking, now + patience)
    # The same words in both cases, so that the history of a waiting call tells the outage once.
    return Pause(until=until, why=f"{slug} does not answer and is left alone")


def _let_one_through(slug: str, now: datetime) -> Pause | None:
    with transaction.atomic():
        breaker = Breaker.objects.select_for_update().filter(partner__slug=slug).first()
        if breaker is None or breaker.open_until is None:
            return None
        if pause := _wait(slug, breaker.open_until, breaker.asked_at, now):
            return pause
        breaker.rounds += 1
        breaker.asked_at, breaker.open_until = now, now + _pause(breaker.rounds)
        breaker.save()
    forget()
    return None


def _locked(slug: str) -> Breaker:
    partner = Partner.objects.get(slug=slug)
    return Breaker.objects.select_for_update().get_or_create(partner=partner)[0]


def _slug(call: Call) -> str:
    """Return the partner of a leg; "" if its offer is nobody's."""
    return str(call.given.get("offer_id", "")).partition(":")[0]


def _pause(rounds: int) -> timedelta:
    times = min(2 ** (rounds - 1), LONGEST)
    return timedelta(seconds=settings.PARTNER_BREAKER_SECONDS * times)


def _looked() -> dict[str, _Times]:
    """Return all breakers that have a row; one look serves half a second of calls."""
    global _look
    if time.monotonic() > _look.at + settings.PARTNER_LOOK_SECONDS:
        # How long is left is said by the database: a process's clock may be wrong.
        left = ExpressionWrapper(F("open_until") - Now(), output_field=DurationField())
        rows = list(Breaker.objects.annotate(left=left).select_related("partner"))
        at = time.monotonic()
        _look = _Look(at=at, times={row.partner.slug: _times(row, row.left, at) for row in rows})
    return _look.times


def _times(row: Breaker, left: timedelta | None, at: float) -> _Times:
    seconds = float("-inf") if left is None else left.total_seconds()
    return _Times(open_until=row.open_until, asked_at=row.asked_at, ends_at=at + seconds)
