"""A breaker for each partner: opens at the last straw, lets one call through, closes at any answer."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import legs
import pytest
from django.utils import timezone

from providers import breakers, offers
from providers import services as providers
from providers.models import Breaker, Partner
from sandbox.server import Server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("partners")]
NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
SLUG = "restwell"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _look_closely(settings: Any) -> Iterator[None]:
    settings.PARTNER_LOOK_SECONDS = -1
    settings.PARTNER_BREAKER_CALLS = 3
    settings.PARTNER_BREAKER_SECONDS = 10
    settings.SAGA_CALL_SECONDS = 4
    settings.SAGA_BACKOFF_SECONDS = 1
    breakers.forget()
    yield
    breakers.forget()


def _fail(*keys: str, seconds: float = 0) -> None:
    for key in keys:
        breakers.failed(slug=SLUG, key=key, now=at(seconds))


def _until(seconds: float) -> datetime | None:
    pause = breakers.pause_of(slug=SLUG, now=at(seconds))
    return pause and pause.until


def test_it_opens_when_enough_calls_failed_in_a_row_and_for_that_partner_only() -> None:
    _fail("a", "b")
    assert _until(0) is None
    _fail("c")

    assert _until(0) == at(10)
    assert breakers.pause_of(slug="skyways", now=NOW) is None


def test_one_call_that_fails_again_and_again_counts_once() -> None:
    _fail("a", "a", "a", "a")

    assert _until(0) is None


def test_an_answer_in_between_starts_the_count_anew() -> None:
    _fail("a", "b")
    breakers.answered(slug=SLUG)
    _fail("c", "d")

    assert _until(0) is None


def test_calls_that_failed_long_ago_do_not_count() -> None:
    _fail("a", "b", seconds=-180)
    _fail("c")

    assert _until(0) is None


def test_when_its_time_is_up_one_call_gets_through_and_the_others_wait_for_it() -> None:
    _fail("a", "b", "c")

    assert _until(10) is None  # this one finds out
    assert _until(10) == at(11)
    assert _until(12) == at(14)  # the longer it is asked, the rarer to look
    assert _until(13) == at(14)
    assert _until(14.5) == at(30)  # no answer: alone again, for twice as long


def test_a_partner_that_is_asked_is_waited_for_in_the_same_words() -> None:
    _fail("a", "b", "c")
    alone = breakers.pause_of(slug=SLUG, now=at(9))
    assert _until(10) is None
    asked = breakers.pause_of(slug=SLUG, now=at(11))

    assert alone is not None
    assert asked is not None
    assert alone.why == asked.why


def test_the_pauses_grow_to_a_limit() -> None:
    _fail("a", "b", "c")
    moment, pauses = 10.0, []
    for _ in range(6):
        assert _until(moment) is None
        until = _until(moment + 4.5)
        assert until is not None
        pauses.append((until - at(moment)).total_seconds())
        moment += pauses[-1]

    assert pauses == [20, 40, 80, 80, 80, 80]


def test_any_answer_closes_it() -> None:
    _fail("a", "b", "c")
    assert _until(10) is None

    breakers.answered(slug=SLUG)

    assert _until(10) is None
    assert _until(10) is None
    assert not Breaker.objects.exists()


def test_only_who_was_asked_and_answered_closes_it() -> None:
    _fail("a", "b", "c")
    book, call = providers.Book(), legs.a_call(legs.an_offer("skyways"))
    call = replace(call, given={**call.given, "offer_id": f"{SLUG}:off_1"})

    book.record_refusal(providers.OfferNotFound("no such offer"), call)
    assert Breaker.objects.exists()  # refused before anything was sent
    book.record_contact(call)

    assert not Breaker.objects.exists()


def test_what_was_under_way_when_it_opened_does_not_keep_it_open_longer() -> None:
    _fail("a", "b", "c")
    _fail("d", seconds=5)

    assert _until(5) == at(10)


def test_a_look_serves_for_a_moment(settings: Any, django_assert_num_queries: Any) -> None:
    settings.PARTNER_LOOK_SECONDS = 60

    with django_assert_num_queries(1):
        for _ in range(3):
            breakers.pause_of(slug=SLUG, now=NOW)
            breakers.answered(slug=SLUG)


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize(("seconds", "alone"), [(-1, False), (60, True)])
def test_who_is_left_alone_is_told_by_the_databases_clock(
    monkeypatch: pytest.MonkeyPatch, hours: int, seconds: float, alone: bool
) -> None:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    partner = Partner.objects.get(slug=SLUG)
    Breaker.objects.create(partner=partner, opened_at=until, open_until=until)
    astray = datetime.now(UTC) + timedelta(hours=hours)
    monkeypatch.setattr(timezone, "now", lambda: astray)
    soon = (datetime.now(UTC) + timedelta(days=30)).date()

    found = offers.search(kind="stay", date=soon, place="NYC", nights=2)

    assert (found.unavailable_partners == [SLUG]) is alone


def test_a_look_grows_older(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PARTNER_LOOK_SECONDS = 60
    until = datetime.now(UTC) + timedelta(seconds=20)
    partner = Partner.objects.get(slug=SLUG)
    Breaker.objects.create(partner=partner, opened_at=until, open_until=until)
    assert breakers.is_left_alone(slug=SLUG)
    assert not breakers.is_left_alone(slug="skyways")

    later = time.monotonic() + 30
    monkeypatch.setattr(breakers, "time", SimpleNamespace(monotonic=lambda: later))

    assert not breakers.is_left_alone(slug=SLUG)


def test_a_search_does_not_wait_for_who_is_left_alone(partners: Server) -> None:
    for key in "abc":
        breakers.failed(slug=SLUG, key=key, now=datetime.now(UTC))
    soon = (datetime.now(UTC) + timedelta(days=30)).date()

    found = offers.search(kind="stay", date=soon, place="NYC", nights=2)

    assert found.unavailable_partners == [SLUG]
    assert {offer.offer_id.split(":")[0] for offer in found.offers} == {"oldinn"}
